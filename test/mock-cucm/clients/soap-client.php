<?php
// PHP's SoapClient with the vendor's own WSDL. Arguments: WSDL, AXL address, CA file. Prints one JSON object.
[, $wsdl, $address, $ca] = $argv;
ini_set('memory_limit', '2G');
ini_set('soap.wsdl_cache_enabled', '0');
$context = stream_context_create(['ssl' => ['cafile' => $ca, 'verify_peer' => true]]);
$client = new SoapClient($wsdl, [
    'location' => $address, 'login' => 'administrator', 'password' => 'Imp-demo-1', 'stream_context' => $context, 'trace' => true, 'exceptions' => true,
]);
$seen = [];
$seen['version'] = $client->getCCMVersion([])->return->componentVersion->version;
$list = $client->listUser(['searchCriteria' => ['userid' => 'c%'], 'returnedTags' => ['userid' => '', 'lastName' => '']]);
$seen['user'] = [$list->return->user->userid, $list->return->user->lastName];
$seen['added'] = $client->addUser(['user' => [
    'lastName' => 'Php', 'userid' => 'php', 'presenceGroupName' => 'Standard Presence group', 'enableCti' => false, 'imAndPresenceEnable' => true,
]])->return;
$user = $client->getUser(['userid' => 'php'])->return->user;
$seen['flags'] = [$user->enableCti, $user->imAndPresenceEnable];
try {
    $client->getUser(['userid' => 'nobody']);
} catch (SoapFault $fault) {
    $seen['fault'] = $fault->getMessage();
}
echo json_encode($seen);

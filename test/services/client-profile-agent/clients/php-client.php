<?php
// Drives the Client Profile Agent as PHP's SoapClient does, in the SOAP version of the last argument.
[, $wsdl, $ca, $password, $version] = $argv;
$context = stream_context_create(['ssl' => ['cafile' => $ca, 'verify_peer' => true, 'verify_peer_name' => true]]);
$client = new SoapClient($wsdl, [
    'soap_version' => $version === '1.1' ? SOAP_1_1 : SOAP_1_2,
    'stream_context' => $context,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'exceptions' => true,
    'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
]);
$call = function (string $name, ?string $key, array $args = []) use ($client) {
    $headers = $key === null ? [] : [new SoapHeader('urn:cisco:epas:soap', 'session-key', $key)];
    return $client->__soapCall($name, [$args], null, $headers);
};
$seen = ['operations' => count($client->__getFunctions())];
$application = $call('login', null, ['username' => 'appuser', 'password' => $password, 'client-type' => 'thirdpartyapp']);
$login = $call('login', null, [
    'username' => 'alice',
    'app-session-id' => $application->success->{'session-key'},
    'client-type' => 'thirdclient',
]);
$key = $login->success->{'session-key'};
$seen['backup'] = $login->success->backupServer;
$seen['refused'] = $call('login', null, ['username' => 'alice', 'password' => 'wrong'])->failure->code;
$config = $call('get-all-config', $key, ['system-config' => []]);
foreach ($config->{'get-system-config-resp'}->property as $property) {
    if ($property->name === 'Presence.Domain') $seen['domain'] = $property->_;
}
$seen['password'] = strlen($call('get-onetime-password', $key)->success->password);
$group = ['name' => 'Zoë & Łukasz', 'persona-id' => [['_' => 'bob', 'nickname' => 'Bobby <3'], ['_' => 'otto@partner.example']]];
$seen['added'] = $call('add-contact', $key, ['group' => [$group]])->success->code;
$list = function () use ($call, $key) {
    $found = [];
    foreach ($call('get-contact-list', $key)->group ?? [] as $group) {
        $found[$group->name] = array_map(
            fn ($contact) => [$contact->_, $contact->domain, $contact->nickname ?? null],
            $group->{'persona-id'} ?? []
        );
    }
    return $found;
};
$seen['list'] = $list();
$seen['deleted'] = $call('delete-contact', $key, [
    'group' => [['name' => 'Zoë & Łukasz', 'persona-id' => [['_' => 'otto', 'domain' => 'partner.example']]]],
])->success->code;
try {
    $call('get-contact-list', 'no such key');
} catch (SoapFault $fault) {
    $seen['fault'] = [$fault->faultcode, $fault->faultstring];
}
$seen['afterFault'] = $list();
$seen['out'] = $call('logout', $key)->success->code;
echo json_encode($seen, JSON_UNESCAPED_UNICODE), "\n";

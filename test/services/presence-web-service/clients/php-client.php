<?php
// A whole working day of an application, by PHP's SoapClient from the WSDL that is served. Arguments: WSDL, CA file, callback URL.
[, $wsdl, $ca, $callback] = $argv;
const NS = 'urn:cisco:cup:presence:soap';
$context = stream_context_create(['ssl' => ['cafile' => $ca, 'verify_peer' => true]]);
$client = new SoapClient($wsdl, ['stream_context' => $context, 'cache_wsdl' => WSDL_CACHE_NONE, 'features' => SOAP_SINGLE_ELEMENT_ARRAYS]);
$call = function (string $operation, array $request, ?string $key = null) use ($client) {
    $headers = $key === null ? [] : [new SoapHeader(NS, 'session-key', $key)];
    return $client->__soapCall($operation, [$request], null, $headers);
};
$contacts = fn (string ...$uris) => ['contact' => array_map(fn ($uri) => ['contactURI' => $uri], $uris)];
$states = fn ($answer) => implode(' ', array_map(fn ($each) => "$each->contactURI=$each->presenceStatus", $answer->presenceResponse->basicPresenceList->contact));

$app = $call('login', ['username' => 'appuser', 'password' => 'secret', 'force' => true])->success->{'session-key'};
$alice = $call('login', ['username' => 'alice', 'app-session-id' => $app])->success->{'session-key'};
$endPoint = $call('registerEndPoint', ['url' => $callback, 'endPointID' => 0, 'expiration' => 86400], $app)->endPointID;
$subscription = $call('subscribe', [
    'contactsList' => $contacts('bob@acme.example'), 'subscriptionType' => 'PRESENCE_NOTIFICATION',
    'expiration' => 3600, 'endPointID' => $endPoint, 'subscriptionID' => 0,
], $alice)->subscriptionID;
echo "$endPoint $subscription\n";
echo $call('setPresence', ['presenceType' => 'BASIC_PRESENCE', 'presenceInfo' => ['basicPresence' => 'BUSY', 'override' => false], 'expiration' => 3600], $alice)->status, "\n";
echo $states($call('getPolledPresence', ['contactsList' => $contacts('alice@acme.example', 'nobody@acme.example'), 'presenceType' => 'BASIC_PRESENCE'], $alice)), "\n";
echo $states($call('getSubscribedPresence', ['subscriptionID' => $subscription, 'presenceType' => 'BASIC_PRESENCE'], $alice)), "\n";
try {
    $call('getPolledPresence', ['contactsList' => $contacts('bob'), 'presenceType' => 'BASIC_PRESENCE'], $alice);
} catch (SoapFault $fault) {
    echo $fault->getMessage(), "\n";
}
echo $call('unsubscribe', ['unsubscribeRequest' => ['subscriptionID' => $subscription, 'unsubscribeAll' => true]], $alice)->status, "\n";
echo $call('unregisterEndPoint', ['endPointID' => $endPoint], $app)->status, "\n";
echo $call('logout', [], $alice)->status, ' ', $call('logout', [], $app)->status, "\n";

<?php
// Drives the Control Center as scripts on PHP's SoapClient do. Arguments: endpoint, CA file, password.
[, $url, $ca, $password] = $argv;
$client = new SoapClient($url . '?wsdl', [
    'login' => 'operator',
    'password' => $password,
    'location' => $url,
    'stream_context' => stream_context_create(['ssl' => ['cafile' => $ca, 'verify_peer' => true, 'verify_peer_name' => true]]),
    'cache_wsdl' => WSDL_CACHE_NONE,
    'exceptions' => true,
]);
$seen = ['states' => []];
$all = $client->soapGetServiceStatus(['ServiceStatus' => ''])->soapGetServiceStatusReturn->ServiceInfoList->item;
foreach ($all as $each) $seen['states'][$each->ServiceName] = $each->ServiceStatus;
$engine = $client->soapGetServiceStatus(['ServiceStatus' => 'Cisco Presence Engine']);
$seen['reason'] = $engine->soapGetServiceStatusReturn->ServiceInfoList->item->ReasonCodeString;
$restarted = $client->soapDoControlServices(['ControlServiceRequest' => [
    'NodeName' => '127.0.0.1', 'ControlType' => 'Restart', 'ServiceList' => ['item' => 'Cisco XCP Router'],
]])->soapDoControlServicesReturn->ServiceInfoList->item;
$seen['restarted'] = [$restarted->ServiceName, $restarted->ServiceStatus];
$deploy = fn ($type) => $client->soapDoServiceDeployment(['DeploymentServiceRequest' => [
    'NodeName' => 'imp1', 'DeployType' => $type, 'ServiceList' => ['item' => ['Cisco Presence Engine']],
]])->soapDoServiceDeploymentReturn;
$deployed = $deploy('Deploy');
$seen['deployed'] = [$deployed->ReturnCode, $deployed->ServiceInfoList->item->ServiceStatus];
$seen['undeployed'] = $deploy('UnDeploy')->ServiceInfoList->item->ReasonCodeString;
foreach ($client->soapGetStaticServiceList()->soapGetStaticServiceListReturn->Services->item as $each) {
    if ($each->ServiceName === 'Cisco XCP Directory Service') $seen['depends'] = [$each->DependentServices->Service];
}
$products = $client->getProductInformationList(['ServiceInfo' => ''])->getProductInformationListReturn->Products;
$seen['product'] = $products->item->ProductDescription;
try {
    $client->soapDoControlServices(['ControlServiceRequest' => ['ControlType' => 'Stop', 'ServiceList' => ['item' => []]]]);
} catch (SoapFault $fault) {
    $seen['fault'] = $fault->getMessage();
}
echo json_encode($seen), "\n";

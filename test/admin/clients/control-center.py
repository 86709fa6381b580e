"""Drives the Control Center as Cisco's published sample does, by zeep from the WSDL that is served.
Arguments: endpoint, CA file, password."""
import json
import sys

import requests
import zeep
from requests.auth import HTTPBasicAuth
from zeep.exceptions import Fault
from zeep.transports import Transport

url, ca, password = sys.argv[1:]
http = requests.Session()
http.verify = ca
http.trust_env = False
http.auth = HTTPBasicAuth("operator", password)
client = zeep.Client(url + "?wsdl", transport=Transport(session=http))
service = client.create_service("{http://schemas.cisco.com/ast/soap}ControlCenterServicesBinding", url)

seen = {}
every = service.soapGetServiceStatus([""])
seen["states"] = {each.ServiceName: each.ServiceStatus for each in every.ServiceInfoList.item}
engine = service.soapGetServiceStatus(["Cisco Presence Engine"]).ServiceInfoList.item[0]
seen["reason"] = engine.ReasonCodeString
assert (engine.ReasonCode, engine.UpTime) == (-1068, -1)
restarted = service.soapDoControlServices({"ControlType": "Restart", "ServiceList": {"item": ["Cisco XCP Router"]}})
seen["restarted"] = [restarted.ServiceInfoList.item[0].ServiceName, restarted.ServiceInfoList.item[0].ServiceStatus]


def deploy(kind):
    return service.soapDoServiceDeployment(
        {"NodeName": "imp1", "DeployType": kind, "ServiceList": {"item": ["Cisco Presence Engine"]}}
    )


deployed = deploy("Deploy")
seen["deployed"] = [deployed.ReturnCode, deployed.ServiceInfoList.item[0].ServiceStatus]
seen["undeployed"] = deploy("UnDeploy").ServiceInfoList.item[0].ReasonCodeString
listed = service.soapGetStaticServiceList("").item
seen["depends"] = [each.DependentServices.Service for each in listed if each.ServiceName.endswith("Directory Service")][0]
seen["product"] = service.getProductInformationList("").Products.item[0].ProductDescription
try:
    service.soapDoControlServices({"ControlType": "Stop", "ServiceList": {"item": []}})
except Fault as fault:
    seen["fault"] = fault.message
print(json.dumps(seen))

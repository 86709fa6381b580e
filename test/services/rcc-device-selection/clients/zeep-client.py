"""Lists phones, chooses one and forgets it, by zeep from the WSDL that is served. Arguments: WSDL, CA file, session key."""
import sys

import requests
import zeep
from zeep.exceptions import Fault
from zeep.transports import Transport

wsdl, ca, key = sys.argv[1:]
http = requests.Session()
http.verify = ca
http.trust_env = False
service = zeep.Client(wsdl, transport=Transport(session=http)).service
header = {"sessionKeyHeader": key}
LINE = "tel:1003;phone-context=dialstring"

print(" ".join(f"{each.device}:{each.kind}:{each.registered}" for each in service.listAppearances(_soapheaders=header)))
before = service.getSelection(lineUri=LINE, _soapheaders=header)
print(before.chosen, before.next.device, before.next.rule)
print(service.setSelection(device="CSFCAROL", _soapheaders=header).device)
after = service.getSelection(lineUri=LINE, _soapheaders=header)
print(after.chosen.device, after.next.device, after.next.rule)
try:
    service.setSelection(device="SEPX", _soapheaders=header)
except Fault as fault:
    print(fault.message)
print(service.setSelection(_soapheaders=header))

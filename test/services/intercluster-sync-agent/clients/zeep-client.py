"""A peer by zeep, from the WSDL that is served. Arguments: WSDL, CA file, user, password."""
import sys

import requests
import zeep
from zeep.exceptions import Fault
from zeep.transports import Transport

wsdl, ca, user, password = sys.argv[1:]
http = requests.Session()
http.verify = ca
http.trust_env = False
http.auth = (user, password)
service = zeep.Client(wsdl, transport=Transport(session=http)).service

told = service.getCluster()
print(told.cluster.publisher, told.cluster.domain, told.cluster.users, [each.name for each in told.node])
print([each.kind for each in told.certificate])
page = service.listUsers(limit=1)
print([each.userid for each in page.user], page.next is not None)
page = service.listUsers(after=page.next)
print([each.userid for each in page.user], page.next)
changes = service.listChanges(after=told.cluster.sequence)
print(changes.user, changes.through >= told.cluster.sequence)
print(service.notifyChange(cluster="somebody", sequence=1))
try:
    service.listChanges(after=999999)
except Fault as fault:
    print(fault.message)

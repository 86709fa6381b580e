"""A whole working day of an application, by zeep from the WSDL that is served. Arguments: WSDL, CA file, callback URL."""
import sys

import requests
import zeep
from zeep.exceptions import Fault
from zeep.transports import Transport

wsdl, ca, callback = sys.argv[1:]
http = requests.Session()
http.verify = ca
http.trust_env = False
service = zeep.Client(wsdl, transport=Transport(session=http)).service


def header(key):
    return {"sessionKeyHeader": key}


def contacts(*uris):
    return {"contact": [{"contactURI": uri} for uri in uris]}


app = service.login(username="appuser", password="secret", force=True).success["session-key"]
alice = service.login(username="alice", **{"app-session-id": app}).success["session-key"]
end_point = service.registerEndPoint(url=callback, endPointID=0, expiration=86400, _soapheaders=header(app))
subscription = service.subscribe(
    contactsList=contacts("bob@acme.example"),
    subscriptionType="PRESENCE_NOTIFICATION",
    expiration=3600,
    endPointID=end_point,
    subscriptionID=0,
    _soapheaders=header(alice),
)
print(end_point, subscription)
print(
    service.setPresence(
        presenceType="BASIC_PRESENCE",
        presenceInfo={"basicPresence": "BUSY", "override": False},
        expiration=3600,
        _soapheaders=header(alice),
    )
)
polled = service.getPolledPresence(
    contactsList=contacts("alice@acme.example", "nobody@acme.example"),
    presenceType="BASIC_PRESENCE",
    _soapheaders=header(alice),
)
print([(each.contactURI, each.presenceStatus) for each in polled.basicPresenceList.contact])
fetched = service.getSubscribedPresence(
    subscriptionID=subscription, presenceType="BASIC_PRESENCE", _soapheaders=header(alice)
)
print([(each.contactURI, each.presenceStatus) for each in fetched.basicPresenceList.contact])
try:
    service.getPolledPresence(
        contactsList=contacts("bob"), presenceType="BASIC_PRESENCE", _soapheaders=header(alice)
    )
except Fault as fault:
    print(fault.detail[0].get("code"))
print(
    service.unsubscribe(
        unsubscribeRequest={"subscriptionID": subscription, "unsubscribeAll": zeep.xsd.AnyObject(zeep.xsd.Boolean(), True)},
        _soapheaders=header(alice),
    )
)
print(service.unregisterEndPoint(endPointID=end_point, _soapheaders=header(app)))
print(service.logout(_soapheaders=header(alice)), service.logout(_soapheaders=header(app)))

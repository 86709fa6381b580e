"""Drives the Client Profile Agent as a strict zeep client does: everything from our own WSDL, over verified TLS."""

import json
import sys

import requests
import zeep
from zeep.exceptions import Fault
from zeep.transports import Transport

wsdl, ca, password = sys.argv[1:4]
session = requests.Session()
session.verify = ca
session.trust_env = False
client = zeep.Client(wsdl, transport=Transport(session=session), settings=zeep.Settings(strict=True))
service = client.service
seen = {}

port = client.wsdl.services["EpasSoapService"].ports["EpasSoapServicePort"]
seen["operations"] = sorted(port.binding._operations)


def call(name, key, *args, **kwargs):
    header = client.get_element("{urn:cisco:epas:soap}session-key")
    return service[name](*args, _soapheaders=[header(key)], **kwargs)


key_of = lambda answer: answer["success"]["session-key"]
application = key_of(service["login"](username="appuser", password=password, **{"client-type": "thirdpartyapp"}))
key = key_of(service["login"](username="alice", **{"app-session-id": application, "client-type": "thirdclient"}))
direct = service["login"](username="alice", password=password, force=True)
seen["versions"] = len(direct["success"]["version"])
seen["backup"] = direct["success"]["backupServer"]
refused = service["login"](username="alice", password="wrong")
seen["refused"] = [refused["failure"]["reason"], refused["failure"]["code"]]

config = call("get-all-config", key, **{"system-config": {}, "user-config": {}})
system = config["get-system-config-resp"]["property"]
seen["domain"] = next(p["_value_1"] for p in system if p["name"] == "Presence.Domain")
seen["password"] = len(call("get-onetime-password", key)["success"]["password"])

group = [{"name": "Zoë & Łukasz", "persona-id": [{"_value_1": "bob", "nickname": "Bobby <3"}, {"_value_1": "otto@partner.example"}]}]
seen["added"] = call("add-contact", key, group=group)["success"]["code"]


def contacts():
    found = call("get-contact-list", key)
    return {g["name"]: [[p["_value_1"], p["domain"], p["nickname"]] for p in g["persona-id"]] for g in found or []}


seen["list"] = contacts()
call("modify-contact", key, group=[{"name": "Zoë & Łukasz", "persona-id": [{"_value_1": "bob", "new-group": "Other"}]}])
call("delete-contact", key, group=[{"name": "Zoë & Łukasz", "persona-id": [{"_value_1": "otto", "domain": "partner.example"}]}])
seen["listAfter"] = contacts()
call("set-presence-rules", key, **{"presence-rules": {"rule": [{"id": "r1", "watcher": [{"_value_1": "", "type": "any"}], "policy": "ask"}]}})
seen["rules"] = call("get-presence-rules", key)[0]["policy"]
call("add-acl", key, **{"acl-entry": [{"_value_1": "x.example", "policy": "deny", "type": "domain"}]})
seen["acl"] = [e["_value_1"] for e in call("get-acl", key)]
seen["found"] = [u["id"] for u in call("search-users", key, match=[{"_value_1": "ali", "name": "Any"}], max=5)]
try:
    call("get-contact-list", "no such key")
except Fault as fault:
    seen["fault"] = [fault.message, fault.code, [str(code) for code in fault.subcodes or []]]
seen["afterFault"] = list(contacts())
call("logout", key)
print(json.dumps(seen, ensure_ascii=False))

"""Two clients of slixmpp against a node: HOST PORT CA PASSWORD. Prints what they saw as one line of JSON."""
import asyncio
import json
import logging
import sys

import slixmpp

HOST, PORT, CA, PASSWORD = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
seen = {}


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid):
        super().__init__(jid, PASSWORD)
        self.ca_certs = CA
        for plugin in ('xep_0030', 'xep_0049', 'xep_0054', 'xep_0092', 'xep_0191', 'xep_0198', 'xep_0199', 'xep_0202', 'xep_0280'):
            self.register_plugin(plugin)
        self.messages = asyncio.Queue()
        self.ready = asyncio.get_event_loop().create_future()
        self.add_event_handler('session_start', self.started)
        self.add_event_handler('message', self.messages.put_nowait)
        self.add_event_handler('message_error', self.messages.put_nowait)
        self.add_event_handler('failed_auth', lambda _: self.ready.done() or self.ready.set_exception(Exception('failed_auth')))

    async def started(self, _):
        await self.get_roster()
        self.send_presence()
        self.ready.set_result(True)


async def within(awaitable):
    return await asyncio.wait_for(awaitable, 20)


async def main():
    alice, bob, bob2 = Client('alice@acme.example/slix'), Client('bob@acme.example/slix'), Client('bob@acme.example/other')
    for client in (alice, bob, bob2):
        client.connect((HOST, PORT))
    for client in (alice, bob, bob2):
        await within(client.ready)
    seen['mechanism'] = alice['feature_mechanisms'].mech.name
    seen['managed'] = 'stream_management' in alice.features or alice['xep_0198'].enabled_out

    there = asyncio.get_event_loop().create_future()
    alice.add_event_handler(
        'presence_available',
        lambda stanza: stanza['from'].bare == 'bob@acme.example' and not there.done() and there.set_result(stanza['from'].full),
    )
    alice.send_presence_subscription('bob@acme.example')
    await within(there)
    seen['roster'] = alice.client_roster['bob@acme.example']['subscription']

    await within(bob2['xep_0280'].enable())
    carbon = asyncio.get_event_loop().create_future()
    bob2.add_event_handler('carbon_received', lambda stanza: carbon.done() or carbon.set_result(stanza['carbon_received']['body']))
    alice.send_message(mto='bob@acme.example/slix', mbody='Zoë & 李', mtype='chat')
    seen['heard'] = (await within(bob.messages.get()))['body']
    seen['carbon'] = await within(carbon)

    seen['ping'] = (await within(alice['xep_0199'].ping('acme.example'))) >= 0
    info = await within(alice['xep_0030'].get_info(jid='acme.example'))
    seen['identity'] = sorted(each[:2] for each in info['disco_info']['identities'])
    card = await within(alice['xep_0054'].get_vcard('bob@acme.example', cached=False))
    seen['card'] = card['vcard_temp']['JID'].bare if card['vcard_temp']['JID'] else card['vcard_temp']['FN']
    await within(bob['xep_0191'].block(['alice@acme.example']))
    alice.send_message(mto='bob@acme.example', mbody='again', mtype='chat')
    seen['blocked'] = (await within(alice.messages.get()))['error']['condition']
    await within(bob['xep_0191'].unblock(['alice@acme.example']))
    for client in (alice, bob, bob2):
        client.disconnect()
        await within(client.disconnected)

    wrong = slixmpp.ClientXMPP('alice@acme.example', 'wrong')
    wrong.ca_certs = CA
    failed = asyncio.get_event_loop().create_future()
    wrong.add_event_handler('failed_auth', lambda stanza: failed.done() or failed.set_result(stanza['condition']))
    wrong.connect((HOST, PORT))
    seen['wrong'] = await within(failed)
    wrong.abort()


logging.basicConfig(level=logging.ERROR)
asyncio.get_event_loop_policy().get_event_loop().run_until_complete(main())
print(json.dumps(seen, ensure_ascii=False))

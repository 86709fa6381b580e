"""Two clients of slixmpp in a room of a node: HOST PORT CA PASSWORD. Prints what they saw as one line of JSON."""
import asyncio
import json
import logging
import sys

import slixmpp

HOST, PORT, CA, PASSWORD = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
ROOM = slixmpp.JID('slixmpp@conference.acme.example')
seen = {}


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid):
        super().__init__(jid, PASSWORD)
        self.ca_certs = CA
        for plugin in ('xep_0004', 'xep_0030', 'xep_0045'):
            self.register_plugin(plugin)
        self.messages = asyncio.Queue()
        self.ready = asyncio.get_event_loop().create_future()
        self.add_event_handler('session_start', self.started)
        self.add_event_handler('groupchat_message', self.messages.put_nowait)

    async def started(self, _):
        await self.get_roster()
        self.send_presence()
        self.ready.set_result(True)


async def within(awaitable):
    return await asyncio.wait_for(awaitable, 20)


def codes(presence):
    return sorted(int(each.attrib['code']) for each in presence.xml.iter('{http://jabber.org/protocol/muc#user}status'))


async def main():
    alice, bob = Client('alice@acme.example/slix'), Client('bob@acme.example/slix')
    for client in (alice, bob):
        client.connect((HOST, PORT))
    for client in (alice, bob):
        await within(client.ready)
    own, subject, others, history = await within(alice['xep_0045'].join_muc_wait(ROOM, 'Alice'))
    seen['created'] = codes(own)

    form = await within(alice['xep_0045'].get_room_config(ROOM))
    seen['title'] = form['title']
    answer = alice['xep_0004'].make_form(ftype='submit')
    answer.add_field(var='FORM_TYPE', ftype='hidden', value='http://jabber.org/protocol/muc#roomconfig')
    answer.add_field(var='muc#roomconfig_roomname', value='Žlutý čaj')
    await within(alice['xep_0045'].set_room_config(ROOM, answer))
    info = await within(bob['xep_0030'].get_info(jid=ROOM))
    seen['name'] = [name for _, _, _, name in info['disco_info']['identities']]

    alice.send_message(mto=ROOM, mbody='first', mtype='groupchat')
    await within(alice.messages.get())
    own, subject, others, history = await within(bob['xep_0045'].join_muc_wait(ROOM, 'Bob', maxstanzas=5))
    seen['entered'] = codes(own)
    # Some releases count ourselves among them.
    seen['others'] = [each['from'].resource for each in others if each['from'].resource != 'Bob']
    seen['history'] = [each['body'] for each in history]
    bob.send_message(mto=ROOM, mbody='Zoë & 李', mtype='groupchat')
    heard = await within(alice.messages.get())
    seen['heard'] = [heard['from'].resource, heard['body']]
    seen['owners'] = [str(each) for each in await within(alice['xep_0045'].get_affiliation_list(ROOM, 'owner'))]
    try:
        await within(bob['xep_0045'].set_affiliation(ROOM, 'admin', jid=slixmpp.JID('bob@acme.example')))
    except slixmpp.exceptions.IqError as error:
        seen['refused'] = error.condition
    print(json.dumps(seen))
    for client in (alice, bob):
        await client.disconnect()


asyncio.get_event_loop().run_until_complete(main())

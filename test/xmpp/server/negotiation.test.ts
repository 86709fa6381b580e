import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseXml } from '../../../src/xml/parse.ts';
import { serialise } from '../../../src/xml/serialise.ts';
import { el } from '../../../src/xmpp/elements.ts';
import { parseJid } from '../../../src/xmpp/jid.ts';
import { NS } from '../../../src/xmpp/namespaces.ts';
import { SaslError } from '../../../src/xmpp/sasl/sasl-error.ts';
import { negotiate, newNegotiation } from '../../../src/xmpp/server/negotiation.ts';
import type {
  NegotiationEffect,
  NegotiationEvent,
  NegotiationPolicy,
  NegotiationState,
} from '../../../src/xmpp/server/negotiation-types.ts';
import { StanzaError } from '../../../src/xmpp/stanza-error.ts';
import { seeOtherHost } from '../../../src/xmpp/stream-error.ts';
import { smFeature } from '../../../src/xmpp/stream-management.ts';

const policy: NegotiationPolicy = {
  kind: 'client',
  hosts: (domain) => domain === 'acme.example',
  offersTls: true,
  requiresTls: true,
  saslFeatures: [el(NS.sasl, 'mechanisms', {}, el(NS.sasl, 'mechanism', {}, 'PLAIN'))],
  sessionFeatures: [smFeature],
  maxFailures: 3,
};
const alice = parseJid('alice@acme.example');
const desk = parseJid('alice@acme.example/desk');

/** Short names for namespaces, so that a row can be read. */
const SHORT: Readonly<Record<string, string>> = {
  [NS.stream]: 'stream',
  [NS.tls]: 'tls',
  [NS.sasl]: 'sasl',
  [NS.bind]: 'bind',
  [NS.session]: 'session',
  [NS.sm]: 'sm',
  [NS.client]: '',
  [NS.stanzaErrors]: 'stanzas',
};

function shown(effect: NegotiationEffect): string {
  switch (effect.do) {
    case 'open':
      return `open from=${effect.header.from}`;
    case 'send':
      return serialise(effect.element, { defaultUri: NS.client, prefixes: new Map() }).replace(
        / xmlns="([^"]*)"/g,
        (_, uri: string) => `{${SHORT[uri] ?? uri}}`,
      );
    case 'sasl-begin':
      return `begin ${effect.mechanism} ${effect.data === null ? 'without data' : JSON.stringify(effect.data.toString())}`;
    case 'sasl-respond':
      return `respond ${JSON.stringify(effect.data.toString())}`;
    case 'bind':
      return `bind ${effect.resource}`;
    case 'resume':
      return `resume ${effect.id} ${effect.handled}`;
    case 'established':
      return `established ${effect.jid.full}${effect.isResumed ? ' resumed' : ''}`;
    case 'stanza':
      return `stanza ${serialise(effect.element, { defaultUri: NS.client, prefixes: new Map() })}`;
    case 'management':
      return `management ${effect.said.kind}`;
    case 'end':
      return effect.error === null
        ? 'end'
        : `end ${effect.error.condition}${effect.error.otherHost ? ` ${effect.error.otherHost}` : ''}`;
    default:
      return effect.do;
  }
}

const opened = (
  header: Partial<{ to: string | null; from: string | null; version: string | null }> = {},
): NegotiationEvent => ({
  kind: 'opened',
  streamId: 's1',
  header: { to: 'acme.example', from: null, id: null, version: '1.0', lang: null, ...header },
});
const heard = (text: string): NegotiationEvent => ({
  kind: 'element',
  element: parseXml(
    text.replace(/^<(\w+)/, `<$1 xmlns='jabber:client'`).replace(/xmlns='jabber:client'(?= xmlns=)/, ''),
  ),
});
const starttls = heard(`<starttls xmlns='${NS.tls}' cookie='0'/>`);
const auth = (text: string, mechanism = 'PLAIN') =>
  heard(`<auth xmlns='${NS.sasl}' mechanism='${mechanism}'>${text}</auth>`);
const bind = (inside = '') => heard(`<iq id='b1' type='set'><bind xmlns='${NS.bind}'>${inside}</bind></iq>`);

const secure: NegotiationState = newNegotiation(true);
const beforeSignIn: NegotiationState = { ...secure, phase: 'negotiating', domain: 'acme.example' };
const inExchange: NegotiationState = { ...beforeSignIn, phase: 'signing-in' };
const signedIn: NegotiationState = { ...secure, domain: 'acme.example', user: alice };
const beforeBinding: NegotiationState = { ...signedIn, phase: 'negotiating' };
const inSession: NegotiationState = { ...signedIn, phase: 'established', jid: desk };

const MECHANISMS = '<mechanisms{sasl}><mechanism>PLAIN</mechanism></mechanisms>';
const BIND_FEATURES = '<features{stream}><bind{bind}/><session{session}><optional/></session><sm{sm}/></features>';

type Row = readonly [string, NegotiationState, NegotiationEvent, readonly string[], Partial<NegotiationPolicy>?];
const rows: readonly Row[] = [
  // Opening
  [
    'in the clear, TLS is required',
    newNegotiation(false),
    opened(),
    ['open from=acme.example', '<features{stream}><starttls{tls}><required/></starttls></features>'],
  ],
  [
    'in the clear, TLS is offered',
    newNegotiation(false),
    opened(),
    ['open from=acme.example', `<features{stream}><starttls{tls}/>${MECHANISMS}</features>`],
    { requiresTls: false },
  ],
  [
    'in the clear, without TLS',
    newNegotiation(false),
    opened(),
    ['open from=acme.example', `<features{stream}>${MECHANISMS}</features>`],
    { requiresTls: false, offersTls: false },
  ],
  [
    'encrypted',
    secure,
    opened({ to: 'ACME.example.' }),
    ['open from=acme.example', `<features{stream}>${MECHANISMS}</features>`],
  ],
  ['signed in', signedIn, opened(), ['open from=acme.example', BIND_FEATURES]],
  [
    'signed in, and says who',
    signedIn,
    opened({ from: 'alice@acme.example' }),
    ['open from=acme.example', BIND_FEATURES],
  ],
  [
    'signed in, and says another',
    signedIn,
    opened({ from: 'bob@acme.example' }),
    ['open from=acme.example', 'end invalid-from'],
  ],
  ['a malformed sender', secure, opened({ from: '@' }), ['open from=acme.example', 'end improper-addressing']],
  ['an unknown domain', secure, opened({ to: 'other.example' }), ['open from=null', 'end host-unknown']],
  ['a malformed domain', secure, opened({ to: 'a b' }), ['open from=null', 'end host-unknown']],
  ['no domain', secure, opened({ to: null }), ['open from=null', 'end host-unknown']],
  [
    'another domain after signing in',
    { ...signedIn, domain: 'other.example' },
    opened(),
    ['open from=acme.example', 'end host-unknown'],
  ],
  ['an old version', secure, opened({ version: null }), ['open from=acme.example', 'end unsupported-version']],
  [
    'a later version',
    secure,
    opened({ version: '1.10' }),
    ['open from=acme.example', `<features{stream}>${MECHANISMS}</features>`],
  ],
  ['a stream within the stream', beforeSignIn, opened(), ['end bad-format']],
  [
    'an error before any header',
    secure,
    { kind: 'failed', error: seeOtherHost('imp2') },
    ['open from=null', 'end see-other-host imp2'],
  ],
  // STARTTLS
  ['starttls', { ...beforeSignIn, isSecure: false }, starttls, ['<proceed{tls}/>', 'start-tls']],
  ['starttls twice', beforeSignIn, starttls, ['<failure{tls}/>', 'end']],
  [
    'starttls that is not offered',
    { ...beforeSignIn, isSecure: false },
    starttls,
    ['<failure{tls}/>', 'end'],
    { offersTls: false },
  ],
  // SASL
  [
    'auth in the clear',
    { ...beforeSignIn, isSecure: false },
    auth('YQ=='),
    ['<failure{sasl}><encryption-required/></failure>'],
  ],
  ['auth with data', beforeSignIn, auth('YQ=='), ['begin PLAIN "a"']],
  ['auth with data of no length', beforeSignIn, auth('='), ['begin PLAIN ""']],
  ['auth without data', beforeSignIn, auth(''), ['begin PLAIN without data']],
  ['auth that is not base64', beforeSignIn, auth('!'), ['<failure{sasl}><incorrect-encoding/></failure>']],
  [
    'auth without mechanism',
    beforeSignIn,
    heard(`<auth xmlns='${NS.sasl}'/>`),
    ['<failure{sasl}><invalid-mechanism/></failure>'],
  ],
  ['auth again after signing in', beforeBinding, auth('YQ=='), ['end not-authorized']],
  ['a response', inExchange, heard(`<response xmlns='${NS.sasl}'>YQ==</response>`), ['respond "a"']],
  ['an empty response', inExchange, heard(`<response xmlns='${NS.sasl}'/>`), ['respond ""']],
  ['abort', inExchange, heard(`<abort xmlns='${NS.sasl}'/>`), ['<failure{sasl}><aborted/></failure>']],
  ['auth within an exchange', inExchange, auth('YQ=='), ['<failure{sasl}><malformed-request/></failure>']],
  ['a stanza within an exchange', inExchange, heard('<message/>'), ['end not-authorized']],
  [
    'a challenge',
    inExchange,
    { kind: 'sasl-challenge', data: Buffer.from('a') },
    ['<challenge{sasl}>YQ==</challenge>'],
  ],
  [
    'an empty challenge',
    inExchange,
    { kind: 'sasl-challenge', data: Buffer.alloc(0) },
    ['<challenge{sasl}>=</challenge>'],
  ],
  ['success', inExchange, { kind: 'sasl-success', user: alice, data: null }, ['<success{sasl}/>', 'restart']],
  [
    'success with data',
    inExchange,
    { kind: 'sasl-success', user: alice, data: Buffer.from('v') },
    ['<success{sasl}>dg==</success>', 'restart'],
  ],
  [
    'failure',
    inExchange,
    { kind: 'sasl-failure', error: new SaslError('not-authorized') },
    ['<failure{sasl}><not-authorized/></failure>'],
  ],
  [
    'the last failure',
    { ...inExchange, failures: 2 },
    { kind: 'sasl-failure', error: new SaslError('not-authorized') },
    ['<failure{sasl}><not-authorized/></failure>', 'end policy-violation'],
  ],
  ['a stanza before signing in', beforeSignIn, heard('<message/>'), ['end not-authorized']],
  ['an unknown element before signing in', beforeSignIn, heard('<other/>'), ['end unsupported-stanza-type']],
  // Binding
  ['bind with a resource', beforeBinding, bind('<resource>desk</resource>'), ['bind desk']],
  ['bind without', beforeBinding, bind(), ['bind null']],
  ['bind with an empty resource', beforeBinding, bind('<resource/>'), ['bind null']],
  [
    'bind by get',
    beforeBinding,
    heard(`<iq id='b1' type='get'><bind xmlns='${NS.bind}'/></iq>`),
    [
      '<iq type="error" id="b1"><error type="modify"><bad-request{stanzas}/><text{stanzas} xml:lang="en">a resource is bound by an iq of type set</text></error></iq>',
    ],
  ],
  [
    'bound',
    { ...beforeBinding, phase: 'binding' },
    { kind: 'bound', requestId: 'b1', jid: desk },
    [
      '<iq type="result" id="b1"><bind{bind}><jid>alice@acme.example/desk</jid></bind></iq>',
      'established alice@acme.example/desk',
    ],
  ],
  [
    'bind refused',
    { ...beforeBinding, phase: 'binding' },
    {
      kind: 'bind-refused',
      request: parseXml("<iq xmlns='jabber:client' id='b1' type='set'/>"),
      error: new StanzaError('resource-constraint', ''),
    },
    ['<iq type="error" id="b1"><error type="wait"><resource-constraint{stanzas}/></error></iq>'],
  ],
  [
    'sent to another node',
    { ...beforeBinding, phase: 'binding' },
    { kind: 'failed', error: seeOtherHost('imp2.acme.example', 5222) },
    ['end see-other-host imp2.acme.example:5222'],
  ],
  ['a message before binding', beforeBinding, heard('<message/>'), ['end not-authorized']],
  [
    'an iq before binding',
    beforeBinding,
    heard("<iq id='1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"),
    ['end not-authorized'],
  ],
  // Stream management
  ['resume', beforeBinding, heard(`<resume xmlns='${NS.sm}' previd='x' h='7'/>`), ['resume x 7']],
  [
    'resumed',
    { ...beforeBinding, phase: 'resuming' },
    { kind: 'resumed', id: 'x', handled: 5, jid: desk },
    ['<resumed{sm} previd="x" h="5"/>', 'established alice@acme.example/desk resumed'],
  ],
  [
    'resume refused',
    { ...beforeBinding, phase: 'resuming' },
    { kind: 'resume-refused', condition: 'item-not-found', handled: 5 },
    ['<failed{sm} h="5"><item-not-found{stanzas}/></failed>'],
  ],
  [
    'enable before binding',
    beforeBinding,
    heard(`<enable xmlns='${NS.sm}'/>`),
    ['<failed{sm}><unexpected-request{stanzas}/></failed>'],
  ],
  ['resume without a counter', beforeBinding, heard(`<resume xmlns='${NS.sm}' previd='x'/>`), ['end invalid-xml']],
  ['enable in a session', inSession, heard(`<enable xmlns='${NS.sm}'/>`), ['management enable']],
  ['an answer in a session', inSession, heard(`<a xmlns='${NS.sm}' h='1'/>`), ['management answer']],
  [
    'resume in a session',
    inSession,
    heard(`<resume xmlns='${NS.sm}' previd='x' h='7'/>`),
    ['<failed{sm}><unexpected-request{stanzas}/></failed>'],
  ],
  // A session
  [
    'a stanza gets its sender',
    inSession,
    heard("<message to='b@c'/>"),
    ['stanza <message to="b@c" from="alice@acme.example/desk"/>'],
  ],
  [
    'a stanza that says its bare sender',
    inSession,
    heard("<message from='alice@acme.example'/>"),
    ['stanza <message from="alice@acme.example/desk"/>'],
  ],
  [
    'a stanza that says its sender in capitals',
    inSession,
    heard("<message from='ALICE@acme.example/desk'/>"),
    ['stanza <message from="alice@acme.example/desk"/>'],
  ],
  ['a stanza of somebody else', inSession, heard("<message from='bob@acme.example'/>"), ['end invalid-from']],
  [
    'a stanza of another resource',
    inSession,
    heard("<message from='alice@acme.example/other'/>"),
    ['end invalid-from'],
  ],
  ['a stanza of nobody', inSession, heard("<message from='@'/>"), ['end invalid-from']],
  [
    'the session of RFC 3921',
    inSession,
    heard(`<iq id='s1' type='set'><session xmlns='${NS.session}'/></iq>`),
    ['<iq type="result" id="s1"/>'],
  ],
  [
    'the same, to somebody else',
    inSession,
    heard(`<iq id='s1' type='set' to='b@c'><session xmlns='${NS.session}'/></iq>`),
    [`stanza <iq id="s1" type="set" to="b@c" from="alice@acme.example/desk"><session xmlns="${NS.session}"/></iq>`],
  ],
  [
    'a second resource',
    inSession,
    bind(),
    [
      '<iq type="error" id="b1"><error type="cancel"><not-allowed{stanzas}/><text{stanzas} xml:lang="en">a resource is bound already</text></error></iq>',
    ],
  ],
  ['an unknown element', inSession, heard('<other/>'), ['end unsupported-stanza-type']],
  ['good-bye', inSession, { kind: 'closed' }, ['end']],
  // Anything when it was not asked for
  ['something while TLS comes up', { ...beforeSignIn, phase: 'starting-tls' }, heard('<a/>'), ['end policy-violation']],
  ['something after the end', { ...inSession, phase: 'ended' }, heard('<message/>'), []],
  // A link between servers
  [
    'a server that has signed in',
    signedIn,
    opened(),
    ['open from=acme.example', '<features{stream}><sm{sm}/></features>', 'established alice@acme.example'],
    { kind: 'server' },
  ],
  [
    'a stanza of a server keeps its sender',
    inSession,
    heard("<message from='x@y'/>"),
    ['stanza <message from="x@y"/>'],
    { kind: 'server' },
  ],
];

describe('negotiation of a stream, row by row', () => {
  for (const [name, state, event, expected, more] of rows) {
    it(name, () => {
      const step = negotiate(state, event, { ...policy, ...more });
      assert.deepEqual(step.effects.map(shown), expected);
      if (expected.some((each) => each === 'end' || each.startsWith('end '))) assert.equal(step.state.phase, 'ended');
    });
  }

  it('leads from the clear to a session', () => {
    const script: readonly (readonly [NegotiationEvent, NegotiationState['phase']])[] = [
      [opened(), 'negotiating'],
      [starttls, 'starting-tls'],
      [{ kind: 'tls-started' }, 'opening'],
      [opened(), 'negotiating'],
      [auth('AA=='), 'signing-in'],
      [{ kind: 'sasl-success', user: alice, data: null }, 'opening'],
      [opened(), 'negotiating'],
      [bind(), 'binding'],
      [{ kind: 'bound', requestId: 'b1', jid: desk }, 'established'],
      [{ kind: 'closed' }, 'ended'],
    ];
    let state = newNegotiation(false);
    for (const [event, phase] of script) {
      state = negotiate(state, event, policy).state;
      assert.equal(state.phase, phase);
    }
  });

  it('never lets a stanza through before there is a session, whatever is said', () => {
    const said = fc.constantFrom(
      opened(),
      starttls,
      auth('YQ=='),
      bind(),
      heard('<message/>'),
      heard(`<response xmlns='${NS.sasl}'/>`),
      heard(`<resume xmlns='${NS.sm}' previd='x' h='7'/>`),
      { kind: 'tls-started' } as const,
      { kind: 'sasl-failure', error: new SaslError('not-authorized') } as const,
    );
    fc.assert(
      fc.property(fc.array(said, { maxLength: 30 }), (events) => {
        let state = newNegotiation(false);
        for (const event of events) {
          const step = negotiate(state, event, policy);
          assert.ok(step.effects.every((effect) => effect.do !== 'stanza' && effect.do !== 'established'));
          state = step.state;
        }
      }),
    );
  });
});

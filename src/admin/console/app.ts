import express, { type ErrorRequestHandler, type Request, type Response, type Router } from 'express';
import { type Clock, sleep } from '../../platform/clock.ts';
import { ImpError, isCallerError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { newRequestId } from '../../platform/request-context.ts';
import { ENDED_COOKIE, refuseCrossSite, sessionCookie, sessionIdOf } from '../access/browser.ts';
import type { Caller } from '../access/caller.ts';
import { AccessError, type Credentials } from '../access/credentials.ts';
import type { Session, SessionMessage, Sessions } from '../access/sessions.ts';
import { isStream } from '../command.ts';
import type { CommandRunner } from '../command-runner.ts';
import { commandNamed, commands } from '../commands.ts';
import type { AdminContext } from '../context.ts';
import { addressOf, publicError, statusOf } from '../http.ts';
import { createAssets } from './assets.ts';
import { createLiveEvents } from './events.ts';
import type { Html } from './html.ts';
import { livePart, problemPage, signInPage, wholePage } from './layout.ts';
import { type PageCall, TOPICS, type Topic } from './page.ts';
import { pages } from './pages.ts';
import { streamEvents } from './stream-events.ts';

export interface ConsoleNeeds {
  readonly context: AdminContext;
  readonly credentials: Credentials;
  readonly sessions: Sessions;
  readonly runner: CommandRunner;
  readonly log: Log;
}

/** Who has signed in, as a request's cookie says. */
interface SignedIn {
  readonly session: Session;
  readonly caller: Caller;
}

const MOST_FORM_BYTES = '64kb';
/** What takes longer is begun, and the browser need not wait for it. */
const PATIENCE_MS = 12_000;

/** The web console, to be mounted on `/admin`: pages of HTML that work without a script, and stay fresh with one. */
export function createConsole(needs: ConsoleNeeds): Router {
  const { context, credentials, sessions, runner, log } = needs;
  const { audit } = context;
  const node = context.node.name;
  const events = createLiveEvents(context);
  const app = express.Router();
  const form = express.urlencoded({ extended: false, limit: MOST_FORM_BYTES, inflate: false, parameterLimit: 100 });

  const whoIs = async (request: Request, isActivity: boolean): Promise<SignedIn | undefined> => {
    const id = sessionIdOf(request);
    return id === undefined ? undefined : await sessions.find(id, addressOf(request), isActivity);
  };
  /** Of a form that one of our own pages made. @throws AccessError */
  const whoSends = async (request: Request): Promise<SignedIn> => {
    refuseCrossSite(request);
    const signedIn = await whoIs(request, true);
    if (!signedIn) throw new AccessError('admin.unauthorized', 'sign in first: the session has ended');
    if (!sessions.isCsrfToken(signedIn.session, fieldOf(request, '_csrf'))) {
      throw new AccessError('admin.cross-site', 'the form was not made by this session: load the page again');
    }
    return signedIn;
  };

  app.get('/assets/:file', createAssets());

  app.get('/sign-in', async (request, response) => {
    const next = localPath(request.query.next);
    if (await whoIs(request, true)) response.redirect(303, next);
    else sendHtml(response, signInPage(node, next, ''));
  });

  app.post('/sign-in', form, async (request, response) => {
    const next = localPath(fieldOf(request, 'next'));
    try {
      refuseCrossSite(request);
      const caller = await credentials.byPassword(
        fieldOf(request, 'name').trim(),
        fieldOf(request, 'password'),
        'console',
        addressOf(request),
      );
      const { name, proof, address } = caller;
      const { id } = sessions.open(caller);
      audit.record({ by: name, proof, face: 'console', address, action: 'sign-in', outcome: 'done' });
      response.set('set-cookie', sessionCookie(id)).redirect(303, next);
    } catch (error) {
      if (!(error instanceof ImpError) || error.kind === 'internal') throw error;
      sendHtml(response.status(statusOf(error)), signInPage(node, next, `${sentence(error.message)}`));
    }
  });

  app.post('/sign-out', form, async (request, response) => {
    const { caller } = await whoSends(request);
    sessions.close(sessionIdOf(request) ?? '');
    const { name: by, proof, face, address } = caller;
    audit.record({ by, proof, face, address, action: 'sign-out', outcome: 'done' });
    response.set('set-cookie', ENDED_COOKIE).redirect(303, '/admin/sign-in');
  });

  app.post('/do/*words', form, async (request, response) => {
    const { caller, session } = await whoSends(request);
    const words = (request.params.words as unknown as readonly string[]).join(' ');
    const command = commands.find((each) => each.words.join(' ') === words && each.access === 'operate');
    if (!command) throw new ImpError('not-found', 'admin.unknown-command', 'there is no such command');
    const requestId = newRequestId();
    // An action that was begun is finished, whether the browser waits or not.
    const order = { given: argumentsOf(request), caller, requestId, signal: new AbortController().signal };
    const doing = runner.run(command, order).then(
      (result): SessionMessage => {
        const last = isStream(command) ? (result as readonly unknown[]).at(-1) : result;
        return { kind: 'done', text: last === undefined ? 'Done.' : command.render(last) };
      },
      (error: unknown): SessionMessage => {
        if (!isCallerError(error)) log.warn({ requestId, err: error, command: words }, 'a console action failed');
        return { kind: 'failed', text: sentence(publicError(error).message) };
      },
    );
    session.messages.push(await withinPatience(doing, context.clock));
    response.redirect(303, localPath(fieldOf(request, '_back')));
  });

  app.get('/events', async (request, response) => {
    const signedIn = await whoIs(request, false);
    if (!signedIn) throw new AccessError('admin.unauthorized', 'sign in first');
    const wanted = String(request.query.topics ?? '').split(' ');
    streamEvents(response, {
      events,
      topics: wanted.filter(isTopic),
      mark: String(request.query.mark ?? ''),
      clock: context.clock,
      isStillIn: async () => (await whoIs(request, false)) !== undefined,
    });
  });

  for (const page of pages) {
    app.get(page.path, async (request, response) => {
      // A page that refreshes itself is no sign that somebody sits before it.
      const isRefresh = request.headers['hx-request'] === 'true';
      const signedIn = await whoIs(request, !isRefresh);
      if (!signedIn) {
        const signIn = `/admin/sign-in?next=${encodeURIComponent(request.originalUrl)}`;
        if (isRefresh) response.set('hx-redirect', signIn).status(401).end();
        else response.redirect(303, signIn);
        return;
      }
      // Before the page reads anything: what changes while it does is heard afterwards.
      const mark = isRefresh ? '' : await events.mark(page.topics);
      const call = pageCall(request, signedIn, needs);
      const content = await page.render(call);
      sendHtml(response, isRefresh ? livePart(page, call, content) : wholePage(pages, page, call, content, mark));
    });
  }

  app.use((_request, response) => {
    sendHtml(response.status(404), problemPage(node, 'Not found', 'There is no such page.', '/admin/'));
  });
  app.use(onError(node, log));
  return app;
}

function isTopic(text: string): text is Topic {
  return (TOPICS as readonly string[]).includes(text);
}

function pageCall(request: Request, { caller, session }: SignedIn, { context, runner }: ConsoleNeeds): PageCall {
  const gone = new AbortController();
  request.on('close', () => gone.abort());
  return {
    caller,
    session,
    node: context.node.name,
    url: request.originalUrl,
    query: Object.fromEntries(
      Object.entries(request.query).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
    ),
    params: request.params as Readonly<Record<string, string>>,
    async show<Result>(words: string, given: Readonly<Record<string, unknown>> = {}) {
      const command = commandNamed(words);
      if (command.access !== 'read') throw new ImpError('internal', 'admin.page', `${words} is not for looking`);
      const order = { given, caller, requestId: newRequestId(), signal: gone.signal };
      return (await runner.run(command, order)) as Result;
    },
  };
}

/** The outcome, or that there is none yet: the page shows how it goes on. */
async function withinPatience(doing: Promise<SessionMessage>, clock: Clock): Promise<SessionMessage> {
  const done = new AbortController();
  const late = sleep(clock, PATIENCE_MS, done.signal).then(
    (): SessionMessage => ({ kind: 'done', text: 'Begun. It goes on by itself; this page shows how far it has come.' }),
    () => doing,
  );
  try {
    return await Promise.race([doing, late]);
  } finally {
    done.abort();
  }
}

function onError(node: string, log: Log): ErrorRequestHandler {
  return (thrown: unknown, request, response, next) => {
    const given = (thrown as { status?: unknown }).status;
    const isOfExpress = !(thrown instanceof ImpError) && typeof given === 'number' && given >= 400 && given < 500;
    const status = isOfExpress ? given : statusOf(thrown);
    if (!isOfExpress && !isCallerError(thrown)) log.error({ err: thrown, path: request.path }, 'a page failed');
    if (response.headersSent) {
      next(thrown);
      return;
    }
    if (!request.complete) response.set('connection', 'close');
    const said = isOfExpress ? 'The request cannot be read.' : sentence(publicError(thrown).message);
    sendHtml(response.status(status), problemPage(node, 'That did not work', said, '/admin/'));
  };
}

function sendHtml(response: Response, page: Html): void {
  response.set('cache-control', 'no-store').type('html').send(page.text);
}

/** A field of a form; '' when it is missing or given twice. */
function fieldOf(request: Request, name: string): string {
  const value: unknown = (request.body as Readonly<Record<string, unknown>> | undefined)?.[name];
  return typeof value === 'string' ? value : '';
}

/** What a form says to a command: all its fields but ours. A box that is ticked is true. */
function argumentsOf(request: Request): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries((request.body ?? {}) as Readonly<Record<string, unknown>>)
      .filter(([name]) => !name.startsWith('_'))
      .map(([name, value]) => [name, value === 'on' ? true : value]),
  );
}

/** Only to a page of ours: `//elsewhere` and `/\elsewhere` are other hosts to a browser. */
function localPath(value: unknown): string {
  return typeof value === 'string' && /^\/admin\/[\w./?=&%+~:@-]*$/.test(value) ? value : '/admin/';
}

function sentence(message: string): string {
  const first = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

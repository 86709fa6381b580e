import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Agent, request } from 'undici';

/** What a steady client asks for, over and over. */
export interface SteadyRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What it saw since it was last asked. */
export interface SteadyReport {
  readonly requests: number;
  readonly perSecond: number;
  /** What was not exactly the answer to its first request, and what failed: the first few. */
  readonly wrong: readonly string[];
  /** Milliseconds. */
  readonly medianMs: number;
  readonly worstMs: number;
}

export interface SteadyClient extends AsyncDisposable {
  /** What it saw since the last time; resolves when it has been answered at least `requests` times since then. */
  report(requests?: number): Promise<SteadyReport>;
}

interface WorkerData {
  readonly ca: string;
  readonly requests: readonly SteadyRequest[];
}

/** A well-behaved client on kept connections, in a thread of its own: what the test does besides does not slow it. */
export async function startSteadyClient(ca: string, requests: readonly SteadyRequest[]): Promise<SteadyClient> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { ca, requests } satisfies WorkerData });
  await once(worker, 'message');
  return {
    async report(count = 1) {
      worker.postMessage(count);
      const [report] = (await once(worker, 'message')) as [SteadyReport];
      return report;
    },
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  };
}

async function run(port: NonNullable<typeof parentPort>, { ca, requests }: WorkerData): Promise<void> {
  const dispatcher = new Agent({ connections: 1, connect: { ca } });
  const send = async ({ url, ...wanted }: SteadyRequest): Promise<string> => {
    const answer = await request(url, { ...wanted, dispatcher });
    return `${answer.statusCode} ${await answer.body.text()}`;
  };
  const right = await Promise.all(requests.map(send));
  let asked: number | undefined;
  port.on('message', (count: number) => {
    asked = count;
  });
  port.postMessage('begun');
  for (;;) {
    const times: number[] = [];
    const wrong: string[] = [];
    const began = performance.now();
    for (let index = 0; asked === undefined || times.length < asked; index = (index + 1) % requests.length) {
      const sentAt = performance.now();
      const answer = await send(requests[index] as SteadyRequest).catch(String);
      times.push(performance.now() - sentAt);
      if (answer !== right[index] && wrong.length < 5) wrong.push(answer.slice(0, 500));
    }
    asked = undefined;
    const sorted = times.toSorted((a, b) => a - b);
    port.postMessage({
      requests: times.length,
      perSecond: times.length / ((performance.now() - began) / 1_000),
      wrong,
      medianMs: sorted[sorted.length >> 1] ?? 0,
      worstMs: sorted.at(-1) ?? 0,
    } satisfies SteadyReport);
  }
}

if (!isMainThread && parentPort && (workerData as Partial<WorkerData> | null)?.requests) {
  await run(parentPort, workerData as WorkerData);
}

import type { AdminContext } from './context.ts';

/** Whether everything is well; if not, the one sentence that says why, the worst first. */
export interface Health {
  readonly isWell: boolean;
  readonly sentence: string;
}

/** Alarms of this severity and worse say that something is wrong; the milder ones inform. */
const WORST_MILD_SEVERITY = 4;
/** A consumer this far behind is late rather than busy. */
const LATE_SECONDS = 30;

export async function healthOf(context: AdminContext): Promise<Health> {
  const why = await whyNotWell(context);
  return why === null ? { isWell: true, sentence: 'Everything is well.' } : { isWell: false, sentence: why };
}

async function whyNotWell({
  supervisor,
  alarms,
  notifications,
  changeFeed,
  sync,
  node,
}: AdminContext): Promise<string | null> {
  const down = supervisor.status().filter((each) => each.isActivated && each.state !== 'Started');
  const failed = down.find((each) => each.reason.code === 'Component is not running');
  if (failed) return `${failed.title} is not running: ${failed.reason.text}`;
  const alarm = alarms
    .active()
    .filter(({ severity }) => severity < WORST_MILD_SEVERITY)
    .sort((a, b) => a.severity - b.severity || a.raisedAt - b.raisedAt)[0];
  if (alarm) return `${alarm.name}: ${alarm.message}`;
  const waiting = down.find((each) => each.waitingFor !== null);
  if (waiting) return `${waiting.title} waits for ${waiting.waitingFor}.`;
  const stopped = down[0];
  if (stopped) return `${stopped.title} is ${stopped.state.toLowerCase()}${text(stopped.reason.text)}`;
  if (!node.isReady()) return 'The node is not ready yet.';
  const { state, sentence } = sync.overview();
  if (state === 'Degraded' || state === 'NeverSynced') return `The sync with CUCM is not good: ${sentence}`;
  const late = (await changeFeed.consumers()).find((each) => each.failures > 0 || each.lagSeconds > LATE_SECONDS);
  if (late) {
    return late.failures > 0
      ? `${late.consumer} cannot handle changes: ${late.lastError}`
      : `${late.consumer} is ${Math.round(late.lagSeconds)} s behind the changes.`;
  }
  const pending = notifications.active().find(({ severity }) => severity !== 'low');
  return pending ? pending.text : null;
}

function text(reason: string): string {
  return reason === '' ? '.' : `: ${reason}.`;
}

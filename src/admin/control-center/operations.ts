import { ImpError, isCallerError } from '../../platform/errors.ts';
import { element, elements, textOf, type XmlElement } from '../../xml/element.ts';
import type { Markup } from '../../xml/write.ts';
import type { CommandRunner } from '../command-runner.ts';
import type { ServiceView } from '../commands/service.ts';
import { commandNamed } from '../commands.ts';
import type { SoapRequest } from './exchange.ts';
import {
  NO_SUCH_SERVICE,
  SUCCESSFUL,
  UNSUCCESSFUL,
  writeInformation,
  writeProducts,
  writeServiceList,
} from './write.ts';

/** What an operation has at hand. */
export interface OperationCall extends SoapRequest {
  readonly runner: CommandRunner;
  /** Name of this node. */
  readonly node: string;
  /** Version of the product that answers. */
  readonly release: string;
}

/** Answers what stands inside the response element. */
export type Operation = (call: OperationCall, payload: XmlElement) => Promise<Markup>;

/** More services than any node has: a list longer than this is no list of services. */
const MOST_NAMES = 200;
const CONTROLS = { Start: 'start', Stop: 'stop', Restart: 'restart' } as const;
const DEPLOYMENTS = { Deploy: 'activate', UnDeploy: 'deactivate' } as const;

function run(call: OperationCall, words: string, given: object): Promise<unknown> {
  const { caller, requestId, signal } = call;
  return call.runner.run(commandNamed(words), { given, caller, requestId, signal });
}

async function services(call: OperationCall): Promise<readonly ServiceView[]> {
  return (await run(call, 'service list', {})) as readonly ServiceView[];
}

/** Every service when none is named. A name that is none is told as stopped, as the product does. */
const soapGetServiceStatus: Operation = async (call, payload) => {
  const known = await services(call);
  const wanted = namesIn(elements(payload, 'ServiceStatus'));
  return writeInformation('soapGetServiceStatusReturn', {
    code: SUCCESSFUL,
    reason: '',
    services: wanted.length === 0 ? known : wanted.map((name) => findIn(known, name) ?? name),
  });
};

const soapDoControlServices: Operation = (call, payload) =>
  doEach(call, payload, 'soapDoControlServicesReturn', {
    request: 'ControlServiceRequest',
    type: 'ControlType',
    commands: CONTROLS,
  });

const soapDoServiceDeployment: Operation = (call, payload) =>
  doEach(call, payload, 'soapDoServiceDeploymentReturn', {
    request: 'DeploymentServiceRequest',
    type: 'DeployType',
    commands: DEPLOYMENTS,
  });

const soapGetStaticServiceList: Operation = async (call) =>
  writeServiceList('soapGetStaticServiceListReturn', await services(call));

const getProductInformationList: Operation = async (call) =>
  writeProducts('getProductInformationListReturn', await services(call), call);

/** By the name of the request's element. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    soapGetServiceStatus,
    soapDoControlServices,
    soapDoServiceDeployment,
    soapGetStaticServiceList,
    getProductInformationList,
  }),
);

interface Doing {
  readonly request: string;
  readonly type: string;
  readonly commands: Readonly<Record<string, string>>;
}

/** One service after the other; what cannot be done to one does not keep the next from its turn. */
async function doEach(call: OperationCall, payload: XmlElement, answer: string, doing: Doing): Promise<Markup> {
  const request = element(payload, doing.request) ?? payload;
  requireThisNode(call, textAt(request, 'NodeName'));
  const type = textAt(request, doing.type);
  const command = Object.entries(doing.commands).find(([name]) => name.toLowerCase() === type.toLowerCase())?.[1];
  if (command === undefined) {
    throw invalid(`${doing.type} must be one of ${Object.keys(doing.commands).join(', ')}`);
  }
  const list = element(request, 'ServiceList');
  const names = namesIn(list ? elements(list) : []);
  if (names.length === 0) throw invalid('the list of services is empty');
  const done: (ServiceView | string)[] = [];
  let failure: ImpError | undefined;
  for (const name of names) {
    try {
      done.push((await run(call, `service ${command}`, { name })) as ServiceView);
    } catch (error) {
      if (!(error instanceof ImpError) || !isCallerError(error) || error.kind === 'denied') throw error;
      failure ??= error;
      done.push(findIn(await services(call), name) ?? name);
    }
  }
  return writeInformation(answer, {
    code: failure === undefined ? SUCCESSFUL : failure.kind === 'not-found' ? NO_SUCH_SERVICE : UNSUCCESSFUL,
    reason: failure?.message ?? '',
    services: done,
  });
}

/** The product's operations work on the local node only; many clients leave its name out. */
function requireThisNode({ node, hostHeader }: OperationCall, name: string): void {
  const wanted = name.toLowerCase();
  const host = hostHeader.replace(/:\d+$/, '').toLowerCase();
  const isOurs = [node.toLowerCase(), node.toLowerCase().split('.')[0], host, 'localhost'].includes(wanted);
  if (wanted !== '' && !isOurs) throw invalid(`NodeName ${name} is not this node, which is ${node}`);
}

function findIn(known: readonly ServiceView[], name: string): ServiceView | undefined {
  const wanted = name.toLowerCase();
  return known.find((each) => each.title.toLowerCase() === wanted || each.name === wanted);
}

/** Names out of elements; some clients put each into one more element. */
function namesIn(found: readonly XmlElement[]): string[] {
  const names = found
    .flatMap((each) => {
      const inner = elements(each);
      return inner.length === 0 ? [textOf(each)] : inner.map(textOf);
    })
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length > MOST_NAMES) throw invalid(`at most ${MOST_NAMES} services at once`);
  return names;
}

function textAt(parent: XmlElement, name: string): string {
  const found = element(parent, name);
  return found === undefined ? '' : textOf(found).trim();
}

function invalid(message: string): ImpError {
  return new ImpError('invalid', 'control-center.bad-request', message);
}

import type { XmlElement } from '../../../xml/element.ts';
import type { Markup } from '../../../xml/write.ts';
import type { ClientSession } from '../../login-datastore/login-datastore.ts';
import type { Who } from '../actions/session.ts';
import type { FaultName } from '../errors.ts';
import type { ActionNeeds, Caller } from '../needs.ts';

interface OperationFacts {
  /** The element of its request. */
  readonly name: string;
  /** What is said when we fail. */
  readonly failure: FaultName;
}

/** One operation of the WSDL. It answers what stands inside its response element. */
export type Operation = OperationFacts &
  (
    | {
        readonly who: 'nobody';
        run(needs: ActionNeeds, payload: XmlElement, caller: Caller): Promise<Markup>;
      }
    | {
        /** Whose session it needs. */
        readonly who: Who;
        run(needs: ActionNeeds, payload: XmlElement, session: ClientSession): Promise<Markup>;
      }
  );

import { textElement } from '../../../xml/write.ts';

/** Content of a `ResponseStatusType`; a failure is a fault. */
export const SUCCESS = textElement('p:status', 'SUCCESS');

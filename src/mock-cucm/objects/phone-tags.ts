import { textOf } from '../../xml/element.ts';
import { parseFlag } from '../message/values.ts';
import { type ComputedField, computed, group } from './field.ts';

/** On, off, or what the level above says. */
export const STATUS = ['Off', 'On', 'Default'] as const;
export const RINGS = ['Use System Default', 'Disable', 'Flash Only', 'Ring Once', 'Ring', 'Beep Only'] as const;

/** As many as the template of the phone would show; two at least. */
export const NUMBER_OF_BUTTONS = 'max(2, (SELECT count(*) FROM devicenumplanmap m WHERE m.fkdevice = t.pkid))';

/** Do not disturb lives in a table of its own, which changes far more often than phones do. */
export const dndStatus: ComputedField = {
  ...computed(
    'dndStatus',
    'augl',
    "coalesce((SELECT d.dndstatus FROM dnddynamic d WHERE d.fkdevice = t.pkid), 'f')",
    'flag',
  ),
  write(writing, pkid, sent) {
    writing.run(
      `INSERT INTO dnddynamic (pkid, fkdevice, dndstatus) VALUES (?, ?, ?)
       ON CONFLICT (fkdevice) DO UPDATE SET dndstatus = excluded.dndstatus WHERE dndstatus <> excluded.dndstatus`,
      writing.newPkid(),
      pkid,
      parseFlag('dndStatus', textOf(sent)) ? 't' : 'f',
    );
  },
};

/** The phone as it is in use; without extension mobility log-ins it is the phone as it was set. */
export const currentConfig = group('currentConfig', 'gl', [
  computed('phoneTemplateName', 'gl', '(SELECT p.name FROM phonetemplate p WHERE p.pkid = t.fkphonetemplate)'),
  computed('mlppIndicationStatus', 'gl', 't.mlppindicationstatus'),
  computed('preemption', 'gl', 't.preemption'),
  computed('softkeyTemplateName', 'gl', '(SELECT s.name FROM softkeytemplate s WHERE s.pkid = t.fksoftkeytemplate)'),
  computed('ignorePresentationIndicators', 'gl', 't.ignorepresentationindicators', 'flag'),
  computed('singleButtonBarge', 'gl', 't.singlebuttonbarge'),
  computed('joinAcrossLines', 'gl', 't.joinacrosslines'),
  computed('callInfoPrivacyStatus', 'gl', 't.callinfoprivacystatus'),
  { ...dndStatus, in: 'gl' },
  computed('dndRingSetting', 'gl', 't.dndringsetting'),
  computed('dndOption', 'gl', '(SELECT y.name FROM typednd y WHERE y.enum = t.tkdnd)'),
  computed('alwaysUsePrimeLine', 'gl', 't.alwaysuseprimeline'),
  computed('alwaysUsePrimeLineForVoiceMessage', 'gl', 't.alwaysuseprimelineforvoicemessage'),
  computed('deviceName', 'gl', 't.name'),
  computed('model', 'gl', '(SELECT y.name FROM typemodel y WHERE y.enum = t.tkmodel)'),
  computed('product', 'gl', '(SELECT y.name FROM typeproduct y WHERE y.enum = t.tkproduct)'),
  computed('deviceProtocol', 'gl', '(SELECT y.name FROM typedeviceprotocol y WHERE y.enum = t.tkdeviceprotocol)'),
  computed('class', 'gl', '(SELECT y.name FROM typeclass y WHERE y.enum = t.tkclass)'),
]);

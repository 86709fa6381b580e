/** The line appearance that a user of remote call control chose last. */
export interface RccSelectionRow {
  fkenduser: string;
  /** Names, as the choice outlives a device that CUCM makes anew. */
  device: string;
  /** '' for "whatever line of the device is asked for". */
  dnorpattern: string;
  partition: string;
  /** Milliseconds since the epoch. */
  chosenat: number;
}

import type { AdministratorRole } from '../../sign-in/administrators.ts';

/** Who asks, once that is known: every face makes one, and no command runs without. */
export interface Caller {
  readonly name: string;
  readonly role: AdministratorRole;
  /** How the caller proved it: the token of the data folder, a password, a session of the console. */
  readonly proof: 'token' | 'password' | 'session';
  readonly face: 'api' | 'console' | 'soap';
  /** Address of the other end. */
  readonly address: string;
}

/** What the holder of the admin token is called: whoever may read the data folder. */
export const TOKEN_HOLDER = 'administrator (token)';

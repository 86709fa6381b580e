import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Kamailio {
  readonly version: string;
  readonly port: number;
  readonly pid: number;
  /** Bytes of shared memory in use: where Kamailio keeps registrations. */
  usedMemory(): number | undefined;
  stop(): Promise<void>;
}

export interface KamailioOptions {
  readonly folder: string;
  readonly realm: string;
  readonly password: string;
  /** Users are `user000001` to this number. */
  readonly users: number;
  readonly workers: number;
}

const BINARY = '/usr/sbin/kamailio';

/**
 * A registrar and proxy that does what our proxy does, over UDP: sanity checks, digest for REGISTER and for MESSAGE of
 * its own users (H(A1) from a hash table), registrations in memory, MESSAGE forwarded with a transaction. The routes are
 * those of Kamailio's own sample configuration, less what none of the requests needs.
 */
function configuration(port: number, { folder, realm, password, users, workers }: KamailioOptions): string {
  return `#!KAMAILIO
debug=0
log_stderror=yes
children=${workers}
disable_tcp=yes
auto_aliases=no
alias="${realm}"
listen=udp:127.0.0.1:${port}
max_while_loops=10000000
${['ctl', 'tm', 'sl', 'rr', 'pv', 'maxfwd', 'usrloc', 'registrar', 'textops', 'siputils', 'sanity', 'auth', 'htable']
  .map((name) => `loadmodule "${name}.so"`)
  .join('\n')}
modparam("ctl", "binrpc", "unix:${join(folder, 'kamailio.ctl')}")
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "hash_size", 14)
modparam("registrar", "max_contacts", 10)
modparam("registrar", "max_expires", 3600)
modparam("auth", "qop", "auth")
modparam("auth", "nonce_count", 1)
modparam("htable", "htable", "ha1=>size=14;")

event_route[htable:mod-init] {
  $var(i) = 1000001;
  while ($var(i) <= ${1_000_000 + users}) {
    $var(u) = "user" + $(var(i){s.substr,1,6});
    $var(a) = $var(u) + ":${realm}:${password}";
    $sht(ha1=>$var(u)) = $(var(a){s.md5});
    $var(i) = $var(i) + 1;
  }
}

request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (!sanity_check("17895", "7")) exit;
  if (is_method("REGISTER")) {
    if (!pv_auth_check("${realm}", "$sht(ha1=>$au)", "1", "1")) { auth_challenge("${realm}", "1"); exit; }
    if (!save("location")) sl_reply_error();
    exit;
  }
  if (from_uri == myself) {
    if (!pv_auth_check("${realm}", "$sht(ha1=>$au)", "1", "1")) { auth_challenge("${realm}", "1"); exit; }
    consume_credentials();
  }
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  if (!t_relay()) sl_reply_error();
}
`;
}

/** Undefined when Kamailio is not installed here. */
export async function startKamailio(options: KamailioOptions): Promise<Kamailio | undefined> {
  if (!existsSync(BINARY)) return undefined;
  const port = await freePort();
  const file = join(options.folder, 'kamailio.cfg');
  await writeFile(file, configuration(port, options));
  const child = spawn(BINARY, ['-f', file, '-DD', '-E', '-m', '256', '-M', '8', '-Y', options.folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  process.once('exit', () => void child.kill('SIGTERM'));
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    log = `${log}${chunk}`.slice(-4_000);
  });
  const control = (command: string): string | undefined => {
    const { status, stdout } = spawnSync('kamcmd', ['-s', `unix:${join(options.folder, 'kamailio.ctl')}`, command]);
    return status === 0 ? stdout.toString() : undefined;
  };
  while (control('core.version') === undefined) {
    if (child.exitCode !== null) throw new Error(`Kamailio ended:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    version: /kamailio (\S+)/i.exec(control('core.version') ?? '')?.[1] ?? '',
    port,
    pid: child.pid ?? 0,
    usedMemory() {
      const used = /real_used: (\d+)/.exec(control('core.shmmem') ?? '')?.[1];
      return used === undefined ? undefined : Number(used);
    },
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

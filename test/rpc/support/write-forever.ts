/** Writes one configuration after the other into the folder given, and says each on a line: until it is killed. */
import { createLog } from '../../../src/platform/log.ts';
import { createFileStore } from '../../../src/rpc/handover/file-store.ts';
import { createConfigurationWriter } from '../../../src/rpc/handover/writer.ts';
import { sipProxyFormat } from '../../../src/rpc/sip-proxy/format.ts';
import { proxyConfiguration } from './proxy-configuration.ts';

const [folder = '', life = ''] = process.argv.slice(2);
const writer = createConfigurationWriter(sipProxyFormat, createFileStore(folder), createLog({ level: 'silent' }));
for (let count = 0; ; count += 1) {
  const mark = `life${life}-${count}`;
  const { version } = await writer.write(proxyConfiguration(mark, `listener${count % 2}`), 0);
  process.stdout.write(`${version} ${mark}\n`);
}

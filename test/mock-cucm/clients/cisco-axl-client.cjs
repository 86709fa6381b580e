/** The npm client as its users run it. Arguments: port. The authority comes by NODE_EXTRA_CA_CERTS. Prints one JSON object. */
const axlService = require('cisco-axl');

const [port, version] = process.argv.slice(2);
// It appends `:8443/axl/` itself: behind a question mark that is a query, which nobody reads.
const service = new axlService(`127.0.0.1:${port}/axl/?`, 'administrator', 'Imp-demo-1', version);

async function main() {
  const seen = {};
  const tags = await service.getOperationTags('listUser');
  tags.searchCriteria.userid = 'c%';
  const list = await service.executeOperation('listUser', tags, { clean: true, removeAttributes: true });
  seen.users = list.user.map((user) => [user.userid, user.primaryExtension.pattern]);
  const route = await service.getOperationTags('addRoutePartition');
  route.routePartition = { name: `NPM-${version}`, description: 'by cisco-axl' };
  seen.added = await service.executeOperation('addRoutePartition', route);
  const sql = await service.executeOperation('executeSQLQuery', {
    sql: "select name, tkclass from device where name = 'CSFCAROL'",
  });
  seen.sql = sql.row;
  const get = await service.executeOperation('getUser', { userid: 'carol' }, { clean: true, removeAttributes: true });
  seen.devices = get.user.associatedDevices.device;
  seen.fault = await service.executeOperation('getUser', { userid: 'nobody' }).then(
    () => 'none',
    (fault) => fault.faultstring,
  );
  return seen;
}

main().then(
  (seen) => process.stdout.write(JSON.stringify(seen)),
  (error) => {
    process.stderr.write(String(error?.stack ?? JSON.stringify(error)));
    process.exitCode = 1;
  },
);

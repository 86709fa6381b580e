import type { Page } from './page.ts';
import { auditPage } from './pages/audit.ts';
import { certificatesPage } from './pages/certificates.ts';
import { changesPage } from './pages/changes.ts';
import { chartsPage } from './pages/charts.ts';
import { configurationPage, parameterPage } from './pages/configuration.ts';
import { controlCenterPage, serviceActionPage } from './pages/control-center.ts';
import { interclusterPage } from './pages/intercluster.ts';
import { notificationsPage } from './pages/notifications.ts';
import { overviewPage } from './pages/overview.ts';
import { syncPage } from './pages/sync.ts';
import { topologyPage } from './pages/topology.ts';
import { troubleshooterPage } from './pages/troubleshooter.ts';
import { userPage, usersPage } from './pages/users.ts';

/** Every page of the console, in the order of the menu. */
export const pages: readonly Page[] = [
  overviewPage,
  controlCenterPage,
  serviceActionPage,
  notificationsPage,
  configurationPage,
  parameterPage,
  certificatesPage,
  syncPage,
  changesPage,
  usersPage,
  userPage,
  topologyPage,
  interclusterPage,
  troubleshooterPage,
  chartsPage,
  auditPage,
];

import { basicStateOf } from './basic-state.ts';
import { composePresence } from './compose.ts';
import type { Publication } from './publication.ts';

/** A user's composed presence and what each source says, newest first: for administrators. */
export function presenceOverview(presentity: string, publications: readonly Publication[]) {
  const document = composePresence(presentity, publications);
  return {
    state: basicStateOf(document),
    activities: document.person?.activities ?? [],
    note: document.person?.note ?? '',
    sources: [...publications]
      .sort((a, b) => b.publishedAt - a.publishedAt || (a.source < b.source ? -1 : 1))
      .map((each) => ({
        source: each.source,
        kind: each.kind,
        state: basicStateOf(each.document),
        activities: each.document.person?.activities ?? [],
        note: each.document.person?.note ?? '',
        publishedAt: each.publishedAt,
      })),
  };
}

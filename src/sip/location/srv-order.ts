export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/**
 * The order in which servers are tried (RFC 2782): lower priorities first; within one, drawn by weight, those of weight
 * zero last but for a small chance.
 * @param random a number from 0 up to 1
 */
export function srvOrder(records: readonly SrvRecord[], random: () => number): readonly SrvRecord[] {
  const ordered: SrvRecord[] = [];
  const priorities = [...new Set(records.map((record) => record.priority))].sort((a, b) => a - b);
  for (const priority of priorities) {
    // Records of weight zero stand first, so that they are drawn only by the lowest number.
    const waiting = records.filter((record) => record.priority === priority).sort((a, b) => a.weight - b.weight);
    while (waiting.length > 0) {
      const total = waiting.reduce((sum, record) => sum + record.weight, 0);
      const drawn = Math.floor(random() * (total + 1));
      let sum = 0;
      const index = waiting.findIndex((record) => {
        sum += record.weight;
        return sum >= drawn;
      });
      ordered.push(...waiting.splice(Math.max(0, index), 1));
    }
  }
  return ordered;
}

/** What can happen in a simulated run; the number is the kind in the event queue, the comment says what its subject is. */
export const event = {
  /** The next request of the stream is sent. Subject: generation of the stream. */
  arrival: 0,
  /** A crowd arrives. */
  burst: 1,
  /** One request of a crowd, or a next try, is sent. Subject: request, as in those that follow. */
  ask: 2,
  atRegion: 3,
  completed: 4,
  answered: 5,
  refused: 6,
  failed: 7,
  deadline: 8,
  /** From here on what is not a request's. */
  firstOfFleet: 9,
  /** Subject: region. */
  report: 9,
  reported: 10,
  /** Subject: router. */
  snapshot: 11,
  publish: 12,
  tolls: 13,
  advance: 14,
  /** Subject: router · regions + region. */
  probe: 15,
  /** Demand, slots or what can be reached may be another from now on. */
  change: 16,
  sample: 17,
} as const

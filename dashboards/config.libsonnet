// What an operator may change, in one place: `(import 'mixin.libsonnet') { _config+:: { … } }`. Thresholds are shared by alerts and panels.
{
  _config+:: {
    // Label matchers of every query that rules and alerts make.
    selector: 'job="fourlane"',

    // Where links in pages lead. Grafana's base URL, and the directory of the runbooks.
    grafanaUrl: 'http://grafana.example:3000',
    runbookUrl: 'https://github.com/fourlane/fourlane/blob/main/docs/runbooks',

    // Seconds between two scrapes and evaluations that the times below are made for.
    scrapeSeconds: 5,

    // A cause outlives a blink of the metrics, so that its consequences stay inhibited.
    keepFiring: '2m',

    // Availability of a service over 30 days, as the share of servers on which it is up.
    slo: { objective: 0.9995, days: 30 },

    thresholds: {
      // Share of the configured weight that is in use.
      serviceCapacity: 0.5,
      // Share of a server's, and of a cluster's NICs that services may use.
      serverCapacity: 0.5,
      clusterCapacity: 0.75,
      // Clusters with fewer servers have no spare share to lose: the NIC pages instead.
      clusterCapacityMinServers: 4,
      // Distance from the cluster's median in median absolute deviations, and least relative distance.
      outlierScore: 6,
      outlierShare: 0.3,
      outlierMinServers: 5,
      // Busy share of a core; share of receive polls that brought a full burst.
      coreBusy: 0.9,
      coreFullPolls: 0.5,
      // p99 of the time from receiving to sending a packet.
      coreLatencySeconds: 200e-6,
      // Lost packets per received packet.
      dropRatio: 1e-4,
      // Filled share of the log queue, of the connection table, of the SNAT ports.
      logQueue: 0.7,
      connTable: 0.85,
      snatPorts: 0.85,
      // Role changes in 10 minutes.
      vrrpTransitions: 4,
      certificateDays: 14,
      // Share of a server's sessions that another one must hold for a fail-over; seconds without a word of a peer.
      syncCompleteness: 0.95,
      syncSilentSeconds: 30,
    },
  },
}

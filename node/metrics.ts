import { Counter, Gauge, Registry } from 'prom-client'

/** What a node counts, in Prometheus' form. */
export class Metrics {
  readonly registry = new Registry()
  readonly violations = new Counter({
    name: 'shoal_p2p_violations_total',
    help: 'Times a peer broke the protocol, by what it did.',
    labelNames: ['kind'] as const,
    registers: [this.registry],
  })
  readonly tasks = new Counter({
    name: 'shoal_tasks_total',
    help: 'Tasks that ended, by our role and by how they ended.',
    labelNames: ['role', 'outcome'] as const,
    registers: [this.registry],
  })
  readonly tokens = new Counter({
    name: 'shoal_tokens_total',
    help: 'Tokens of ended tasks, by our role and by side.',
    labelNames: ['role', 'side'] as const,
    registers: [this.registry],
  })
  readonly settledBaseUnits = new Counter({
    name: 'shoal_settled_base_units_total',
    help: 'Credits claimed on chain, in base units.',
    registers: [this.registry],
  })

  readonly audits = new Counter({
    name: 'shoal_audits_total',
    help: 'Audits of tasks we asked for, by what they found.',
    labelNames: ['result'] as const,
    registers: [this.registry],
  })

  /** A gauge that is read when somebody asks. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read())
      },
    })
  }
}

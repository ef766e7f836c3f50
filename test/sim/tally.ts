/** Sums over tasks, by the number of the task: of its requester, or of the network. */
class Series {
  readonly #sums: number[] = []

  add(position: number, amount: number): void {
    while (this.#sums.length <= position) this.#sums.push(0)
    this.#sums[position]! += amount
  }

  /** Of positions from `from` up to `to`, without it. */
  between(from: number, to: number): number {
    let total = 0
    for (let i = Math.max(0, from); i < Math.min(to, this.#sums.length); i++) total += this.#sums[i]!
    return total
  }
}

/** What an attempt was worth to whom. */
export interface Payment {
  /** Position among the tasks of its requester, and of the network. */
  ownTask: number
  networkTask: number
  paid: number
  toAttacker: boolean
  /** Paid for a wrong output, or to an attacker that then broke off. */
  isBadWork: boolean
}

/** Shares of paid work over a range of tasks, 0 to 1. */
export interface Shares {
  /** Credits paid for bad work, of all paid. */
  badWork: number
  /** Credits paid to attackers' nodes, whatever they did for them. */
  toAttackers: number
  /** Attempts that were bad work, of all that were paid. */
  badTasks: number
}

/** Keeps account of who was paid for what. */
export class Tally {
  readonly #own = account()
  readonly #network = account()

  add(payment: Payment): void {
    for (const [series, position] of [
      [this.#own, payment.ownTask],
      [this.#network, payment.networkTask],
    ] as const) {
      series.paid.add(position, payment.paid)
      series.tasks.add(position, 1)
      if (payment.toAttacker) series.toAttackers.add(position, payment.paid)
      if (payment.isBadWork) {
        series.badWork.add(position, payment.paid)
        series.badTasks.add(position, 1)
      }
    }
  }

  /** Of the tasks that were their requester's number `from` up to `to`, without it. */
  ofRequesters(from: number, to: number): Shares {
    return sharesOf(this.#own, from, to)
  }

  /** Of the network's tasks number `from` up to `to`, without it. */
  ofNetwork(from: number, to: number): Shares {
    return sharesOf(this.#network, from, to)
  }
}

function account() {
  return {
    paid: new Series(),
    toAttackers: new Series(),
    badWork: new Series(),
    tasks: new Series(),
    badTasks: new Series(),
  }
}

function sharesOf(series: ReturnType<typeof account>, from: number, to: number): Shares {
  const paid = series.paid.between(from, to)
  const tasks = series.tasks.between(from, to)
  return {
    badWork: paid === 0 ? 0 : series.badWork.between(from, to) / paid,
    toAttackers: paid === 0 ? 0 : series.toAttackers.between(from, to) / paid,
    badTasks: tasks === 0 ? 0 : series.badTasks.between(from, to) / tasks,
  }
}

/** Which states may follow which. */
export type Transitions<State extends string> = Readonly<Record<State, readonly State[]>>

/** A state and the rule of how it may change; a change that breaks the rule is a defect of ours. */
export class StateMachine<State extends string> {
  readonly #transitions: Transitions<State>
  #state: State

  constructor(initial: State, transitions: Transitions<State>) {
    this.#state = initial
    this.#transitions = transitions
  }

  get state(): State {
    return this.#state
  }

  is(...states: readonly State[]): boolean {
    return states.includes(this.#state)
  }

  /** @throws {Error} when the rule does not allow it */
  to(next: State): void {
    if (!this.#transitions[this.#state].includes(next)) {
      throw new Error(`illegal transition from ${this.#state} to ${next}`)
    }
    this.#state = next
  }
}

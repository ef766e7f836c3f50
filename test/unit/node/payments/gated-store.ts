import { Store } from '../../../../node/store/store.ts'
import type { Table, TableSchema } from '../../../../node/store/table.ts'

export interface Gate {
  /** Resolves when a write waits at the gate. */
  reached: Promise<void>
  open: () => void
}

/** A real store whose writes of one record can be made to wait. */
export class GatedStore {
  readonly store: Store
  readonly #gates = new Map<string, { reached: () => void; opened: Promise<void> }>()

  private constructor(store: Store) {
    this.store = new Proxy(store, {
      get: (target, name) => {
        if (name === 'table')
          return <T>(table: string, schema: TableSchema<T>) => this.#table(table, target.table(table, schema))
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  static async open(path: string): Promise<GatedStore> {
    return new GatedStore(await Store.open(path))
  }

  /** The next `put` into a table waits. */
  gate(table: string): Gate {
    const reached = Promise.withResolvers<void>()
    const opened = Promise.withResolvers<void>()
    this.#gates.set(table, { reached: reached.resolve, opened: opened.promise })
    return { reached: reached.promise, open: opened.resolve }
  }

  #table<T>(name: string, table: Table<T>): Table<T> {
    return new Proxy(table, {
      get: (target, property) => {
        if (property === 'put')
          return async (...args: Parameters<Table<T>['put']>) => {
            const gate = this.#gates.get(name)
            this.#gates.delete(name)
            gate?.reached()
            await gate?.opened
            return target.put(...args)
          }
        const value: unknown = Reflect.get(target, property, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

import { Store } from '../../node/store/store.ts'
import type { Table, TableSchema } from '../../node/store/table.ts'

export interface Gate {
  /** Resolves when a call waits at the gate. */
  reached: Promise<void>
  open: () => void
}

/** A real store whose reading or writing of one record can be made to wait. */
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

  /** The next `put` into a table, or `get` from it, waits. */
  gate(table: string, method: 'put' | 'get' = 'put'): Gate {
    const reached = Promise.withResolvers<void>()
    const opened = Promise.withResolvers<void>()
    this.#gates.set(`${table}.${method}`, { reached: reached.resolve, opened: opened.promise })
    return { reached: reached.promise, open: opened.resolve }
  }

  #table<T>(name: string, table: Table<T>): Table<T> {
    return new Proxy(table, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target)
        if (typeof value !== 'function') return value
        if (property !== 'put' && property !== 'get') return value.bind(target)
        return async (...args: unknown[]) => {
          const at = `${name}.${property}`
          const gate = this.#gates.get(at)
          this.#gates.delete(at)
          gate?.reached()
          await gate?.opened
          return value.apply(target, args)
        }
      },
    })
  }
}

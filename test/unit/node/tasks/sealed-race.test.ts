import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SealedRace } from '../../../../node/tasks/sealed-race.ts'
import { sealedWindowEnd } from '../../../../protocol/replica-commitment.ts'

type Move = { who: number; what: 'seal' | 'end' | 'leave' | 'join' }
const moves = fc.array(
  fc.record<Move>({
    who: fc.nat(4),
    what: fc.constantFrom('seal', 'seal', 'seal', 'seal', 'end', 'leave', 'join'),
  }),
  { maxLength: 80 },
)

/** A race as a referee sees it who keeps books of his own. */
class Book {
  readonly race: SealedRace<number>
  readonly present = new Map<number, { sealedTo: number; opened: number }>()
  readonly quorum: number
  openedTo = 0

  constructor(quorum: number) {
    this.quorum = quorum
    this.race = new SealedRace(quorum)
  }

  join(id: number): void {
    this.present.set(id, { sealedTo: 0, opened: 0 })
    this.race.join(id, 0)
  }

  leave(id: number): void {
    this.present.delete(id)
    this.race.leave(id)
  }

  seal(id: number, isLast: boolean): void {
    const lane = this.present.get(id)
    if (lane === undefined || lane.sealedTo === Number.POSITIVE_INFINITY) return
    const end = sealedWindowEnd(lane.sealedTo)
    lane.sealedTo = isLast ? Number.POSITIVE_INFINITY : end
    this.race.seal(id, { end, isLast, open: () => this.#open(id, end) })
  }

  #open(id: number, end: number): void {
    assert.ok(this.present.has(id), 'who has left opens nothing')
    assert.ok(this.present.size >= this.quorum)
    for (const { sealedTo } of this.present.values())
      assert.ok(sealedTo >= end, 'whoever is in the race is bound before anybody shows anything')
    this.present.get(id)!.opened++
  }
}

describe('SealedRace', () => {
  it('has nobody show a window before all are bound to theirs, in whatever order things happen', () => {
    fc.assert(
      fc.property(moves, fc.integer({ min: 2, max: 3 }), (all, quorum) => {
        const book = new Book(quorum)
        for (let id = 0; id < quorum; id++) book.join(id)
        for (const { who, what } of all) {
          if (what === 'join' && !book.present.has(who)) book.join(who)
          else if (what === 'leave') book.leave(who)
          else book.seal(who, what === 'end')
          book.race.step()
          assert.equal(book.race.isShort, book.present.size < quorum)
          // Nobody is waited for who waits itself, and somebody always is while others wait.
          for (const id of book.race.waitedFor()) assert.ok(book.present.has(id))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('has all show all once everybody has ended, or has been let go', () => {
    fc.assert(
      fc.property(moves, fc.subarray([0, 1, 2, 3]), (all, silent) => {
        const book = new Book(2)
        for (let id = 0; id < 4; id++) book.join(id)
        const sealed = new Map<number, number>()
        const seal = (who: number, isLast: boolean) => {
          const lane = book.present.get(who)
          if (lane === undefined || lane.sealedTo === Number.POSITIVE_INFINITY) return
          sealed.set(who, (sealed.get(who) ?? 0) + 1)
          book.seal(who, isLast)
          book.race.step()
        }
        for (const { who, what } of all) if (!silent.includes(who)) seal(who, what === 'end')
        for (let id = 0; id < 4; id++) if (!silent.includes(id)) seal(id, true)
        const others = 4 - silent.length
        for (const id of book.race.waitedFor()) {
          assert.ok(silent.includes(id))
          assert.equal(book.race.canDoWithout(id), others >= 2)
          book.leave(id)
          book.race.step()
        }
        if (others < 2) return
        for (const [id, lane] of book.present)
          if (!silent.includes(id)) assert.equal(lane.opened, sealed.get(id))
      }),
    )
  })

  it('waits for whoever has nothing sealed, and not for who waits itself', () => {
    const race = new SealedRace<string>(2)
    for (const id of ['a', 'b', 'c']) race.join(id, 0)
    assert.deepEqual(race.waitedFor(), [])
    const opened: string[] = []
    const seal = (id: string, end: number) =>
      race.seal(id, { end, isLast: false, open: () => opened.push(id) })
    seal('a', 4)
    seal('a', 12)
    race.step()
    assert.deepEqual([race.waitedFor(), race.canDoWithout('b')], [['b', 'c'], false])
    seal('b', 4)
    race.step()
    assert.deepEqual([race.waitedFor(), race.canDoWithout('c'), opened], [['c'], true, []])
    race.leave('c')
    race.step()
    assert.deepEqual([opened, race.waitedFor()], [['a', 'b'], ['b']])
    // Our own engine's output is seen by nobody else.
    race.join('own', 4)
    race.made('own', 8)
    seal('b', 12)
    race.step()
    assert.deepEqual(opened, ['a', 'b', 'a', 'b'])
    race.ended('own')
    assert.deepEqual(race.waitedFor(), [])
  })
})

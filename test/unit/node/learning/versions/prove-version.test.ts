import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { VersionErrorCode } from '../../../../../node/learning/versions/errors.ts'
import { proveVersion, type StakeOf } from '../../../../../node/learning/versions/prove-version.ts'
import { adapterVersionMessage } from '../../../../../protocol/messages/learning/adapter-version.ts'
import { rosterDigest } from '../../../../../protocol/messages/learning/aggregate-proposal.ts'
import { roundVoteMessage } from '../../../../../protocol/messages/learning/round-vote.ts'
import { createRecord } from '../../../../../protocol/signed.ts'
import {
  type LearnedVersion,
  type LearnedVersionOptions,
  learnedVersion,
  memberSigner,
  memberWallet,
} from '../../../../helpers/learning/learned-version.ts'

const asSaid: StakeOf = (_node, { stake }) => stake

function prove({ record, records }: LearnedVersion, stakeOf: StakeOf = asSaid) {
  return proveVersion(record, cid => records.get(cid) ?? null, stakeOf)
}

function refuses(code: VersionErrorCode, version: LearnedVersion, stakeOf: StakeOf = asSaid): void {
  assert.throws(
    () => prove(version, stakeOf),
    (error: { code?: string }) => error.code === code,
    `was to be refused as ${code}`,
  )
}

describe('proving a version', () => {
  it('believes one whose records and stakes hold', () => {
    const { stakeFor, participating, records } = prove(learnedVersion())
    assert.equal(stakeFor, 30n)
    assert.equal(participating, 30n)
    assert.equal(records.length, 11)
  })

  it('reckons the quorum by what the chain shows, of all that take part', () => {
    const two = learnedVersion({ vote: member => (member < 2 ? {} : null) })
    assert.equal(prove(two).stakeFor, 20n)
    refuses('NO_QUORUM', learnedVersion({ vote: member => (member < 1 ? {} : null) }))
    // A voter that has less on chain than it said counts with what it has, and the rest is missing.
    refuses('NO_QUORUM', two, (_node, { wallet, stake }) => (wallet === memberWallet(0) ? 9n : stake))
    refuses('NO_QUORUM', learnedVersion(), () => 0n)
    refuses('STAKE_UNKNOWN', learnedVersion(), () => null)
  })

  it('is not taken in by records that are changed, missing or of something else', () => {
    const honest = learnedVersion()
    const other = learnedVersion({ number: 2 })
    const evil = `sha256:${'e'.repeat(64)}`
    const forged: LearnedVersionOptions[] = [
      { version: { base: `mini@sha256:${'c'.repeat(64)}` } },
      { version: { parent: other.record.cid } },
      { version: { adapter: `notes@${evil}` } },
      { version: { blob: { ...honest.record.body.blob, digest: evil } } },
      { version: { domains: ['notes-0', 'notes-1', 'secrets'] } },
      { version: { loss: { before: 2_000_000, after: 1 } } },
      { version: { votes: other.record.body.votes } },
      { version: { contributors: other.record.body.contributors } },
      {
        version: {
          contributors: honest.record.body.contributors.map(each => ({
            ...each,
            node: honest.joins[0]!.signer,
          })),
        },
      },
      {
        version: {
          contributors: honest.record.body.contributors.map(each => ({ ...each, wallet: memberWallet(9) })),
        },
      },
    ]
    for (const options of forged) {
      const version = learnedVersion(options)
      for (const [cid, bytes] of other.records) version.records.set(cid, bytes)
      refuses('VERSION_FORGED', version)
    }
    for (const cid of [...honest.records.keys()]) {
      const records = new Map(honest.records)
      records.delete(cid)
      refuses('EVIDENCE_MISSING', { ...honest, records })
      const bytes = honest.records.get(cid)!.slice()
      bytes[bytes.length - 1]! ^= 1
      refuses('VERSION_FORGED', { ...honest, records: new Map([...honest.records, [cid, bytes]]) })
    }
  })

  it('wants a signer that took part, and votes of the roster alone', () => {
    const honest = learnedVersion()
    const stranger = createRecord(adapterVersionMessage, honest.record.body, memberSigner(7))
    refuses('VERSION_FORGED', { ...honest, record: stranger })
    // Strangers' votes change nothing, however many.
    const few = learnedVersion({ vote: member => (member < 1 ? {} : null) })
    const votes = [5, 6, 7, 8].map(member =>
      createRecord(roundVoteMessage, few.votes[0]!.body, memberSigner(member)),
    )
    for (const { cid, bytes } of votes) few.records.set(cid, bytes)
    const body = { ...few.record.body, votes: [...few.record.body.votes, ...votes.map(({ cid }) => cid)] }
    refuses('NO_QUORUM', { ...few, record: createRecord(adapterVersionMessage, body, memberSigner(0)) })
  })

  it('never believes less than two thirds of the stake, however it is spread', () => {
    const stakes = fc.array(fc.bigInt(1n, 10n ** 21n), { minLength: 4, maxLength: 4 })
    const votes = fc.array(fc.constantFrom('for', 'against', 'silent', 'lying', 'elsewhere'), {
      ...{ minLength: 4, maxLength: 4 },
    })
    fc.assert(
      fc.property(stakes, votes, (amounts, said) => {
        const version = learnedVersion({
          members: 4,
          stakes: amounts,
          vote: member => {
            if (said[member] === 'silent') return null
            if (said[member] === 'against') return { accept: false, reason: 'worse' }
            if (said[member] === 'lying') return { loss: { before: 2_000_000, after: 10 } }
            return said[member] === 'elsewhere' ? { roster: rosterDigest([]) } : {}
          },
          // A record has to name a vote.
          ...(said.every(each => each === 'silent')
            ? { vote: () => ({ accept: false, reason: 'worse' }) }
            : {}),
        })
        const total = amounts.reduce((sum, stake) => sum + stake, 0n)
        const agreeing = (kind: string) =>
          amounts.reduce((sum, stake, i) => (said[i] === kind ? sum + stake : sum), 0n)
        const isEnough = agreeing('for') * 3n >= total * 2n
        let isBelieved = true
        try {
          prove(version)
        } catch {
          isBelieved = false
        }
        assert.equal(isBelieved, isEnough)
      }),
      { numRuns: 40 },
    )
  })
})

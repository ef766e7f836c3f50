import type { AttestationView, EvidenceView } from '../../node/gateway/attestation-views.ts'
import { paint, properties } from './output.ts'
import { readableTime } from './readable.ts'

const HARDWARE: Record<EvidenceView['hardware'], string> = {
  nitro: 'AWS Nitro Enclave',
  'sev-snp': 'AMD SEV-SNP guest',
}

/** Evidence, with what follows from it and what does not. */
export function describeEvidence(view: EvidenceView): string {
  const judged =
    view.software === null
      ? paint('yellow', 'genuine; not compared with any list: anything may run there')
      : paint('green', `genuine, and on the list as ${JSON.stringify(view.software)}`)
  return [
    properties([
      ['Evidence', judged],
      ['Hardware', HARDWARE[view.hardware]],
      ...Object.entries(view.platform).map(([name, value]): [string, string] => [capitalised(name), value]),
      ...Object.entries(view.measurements)
        .filter(([, value]) => !/^0*$/.test(value))
        .map(([name, value]): [string, string] => [
          name.startsWith('pcr') ? name.toUpperCase() : capitalised(name),
          value,
        ]),
      ['Counts until', readableTime(view.validUntil)],
    ]),
    claims(view),
  ].join('\n\n')
}

/** In two lists. */
function claims({ shows, doesNotShow }: Pick<EvidenceView, 'shows' | 'doesNotShow'>): string {
  const list = (items: readonly string[]) => items.map(item => `  - ${item}`).join('\n')
  return `It shows:\n${list(shows)}\n\nIt does not show:\n${list(doesNotShow)}`
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** Where a peer has proven to run, in a line. */
export function attestationLine(view: AttestationView | null): string {
  if (view === null) return 'nothing is proven of where it runs'
  const { proven, refusal } = view
  if (proven !== null) {
    const { hardware, software, since, validUntil } = proven
    return `${HARDWARE[hardware]} with ${JSON.stringify(software)}, proven ${readableTime(since)}, counts until ${readableTime(validUntil)}`
  }
  if (refusal === null) return 'nothing proven counts any more'
  return `nothing: ${refusal.message} (${refusal.code}), ${readableTime(refusal.at)}`
}

/** What that shows and what not; null where nothing counts. */
export function attestationClaims(view: AttestationView | null): string | null {
  const proven = view?.proven ?? null
  return proven === null ? null : `Of the hardware it runs in:\n${claims(proven)}`
}

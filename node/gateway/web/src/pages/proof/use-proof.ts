import { useCallback, useEffect, useState } from 'react'
import { getJson } from '../../data/http.ts'
import { checkProof, type ProofVerdict } from '../../proof/check-proof.ts'
import { type ProofBundle, readBundle } from '../../proof/proof-bundle.ts'
import type { PageWallet } from '../../wallet/page-wallet.ts'

export interface CheckedProof {
  bundle: ProofBundle
  verdict: ProofVerdict
  /** Whether the chain was asked. */
  askedChain: boolean
}

export interface ProofState {
  proof: CheckedProof | null
  error: unknown
  isLoading: boolean
  /** Fetches, where the node has it, and checks again. */
  again: () => void
}

/**
 * Checks a proof: the one the node has for a CID, or the one that was opened.
 * @param chainKey changes with what the chain is asked through
 */
export function useProof(
  cid: string | null,
  opened: ProofBundle | null,
  wallet: PageWallet,
  chainKey: string,
): ProofState {
  const [state, setState] = useState<Omit<ProofState, 'again'>>({
    proof: null,
    error: null,
    isLoading: false,
  })
  const [turn, setTurn] = useState(0)
  const again = useCallback(() => setTurn(now => now + 1), [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: another chain or turn calls for another check
  useEffect(() => {
    if (cid === null && opened === null) {
      setState({ proof: null, error: null, isLoading: false })
      return
    }
    let isOver = false
    const check = async () => {
      setState(now => ({ ...now, error: null, isLoading: true }))
      try {
        const bundle = opened ?? readBundle(await getJson(`/api/proofs/${encodeURIComponent(cid!)}`))
        const chain = wallet.reader()
        const verdict = await checkProof(bundle, { cid: opened === null ? cid : null }, chain)
        if (!isOver)
          setState({ proof: { bundle, verdict, askedChain: chain !== null }, error: null, isLoading: false })
      } catch (error) {
        if (!isOver) setState({ proof: null, error, isLoading: false })
      }
    }
    void check()
    return () => {
      isOver = true
    }
  }, [cid, opened, wallet, chainKey, turn])

  return { ...state, again }
}

// Made by `npm run generate` from contracts/. Do not edit.

export const receiptVerifierAbi = [
  {
    "inputs": [
      {
        "internalType": "contract IAuditAnchor",
        "name": "auditAnchor_",
        "type": "address"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [],
    "name": "ZeroAddress",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "auditAnchor",
    "outputs": [
      {
        "internalType": "contract IAuditAnchor",
        "name": "",
        "type": "address"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "bytes32",
            "name": "taskId",
            "type": "bytes32"
          },
          {
            "internalType": "address",
            "name": "payer",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "payee",
            "type": "address"
          },
          {
            "internalType": "uint256",
            "name": "chainId",
            "type": "uint256"
          },
          {
            "internalType": "address",
            "name": "settlement",
            "type": "address"
          },
          {
            "internalType": "bytes32",
            "name": "channelId",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "model",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "request",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "output",
            "type": "bytes32"
          },
          {
            "internalType": "uint64",
            "name": "promptTokens",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "outputTokens",
            "type": "uint64"
          },
          {
            "internalType": "uint256",
            "name": "amount",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "cumulativeAmount",
            "type": "uint256"
          },
          {
            "internalType": "uint8",
            "name": "reason",
            "type": "uint8"
          },
          {
            "internalType": "uint48",
            "name": "endedAt",
            "type": "uint48"
          }
        ],
        "internalType": "struct Receipt",
        "name": "receipt",
        "type": "tuple"
      }
    ],
    "name": "claimOf",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "claim",
        "type": "bytes32"
      }
    ],
    "stateMutability": "pure",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "node",
        "type": "address"
      },
      {
        "components": [
          {
            "internalType": "bytes32",
            "name": "taskId",
            "type": "bytes32"
          },
          {
            "internalType": "address",
            "name": "payer",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "payee",
            "type": "address"
          },
          {
            "internalType": "uint256",
            "name": "chainId",
            "type": "uint256"
          },
          {
            "internalType": "address",
            "name": "settlement",
            "type": "address"
          },
          {
            "internalType": "bytes32",
            "name": "channelId",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "model",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "request",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "output",
            "type": "bytes32"
          },
          {
            "internalType": "uint64",
            "name": "promptTokens",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "outputTokens",
            "type": "uint64"
          },
          {
            "internalType": "uint256",
            "name": "amount",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "cumulativeAmount",
            "type": "uint256"
          },
          {
            "internalType": "uint8",
            "name": "reason",
            "type": "uint8"
          },
          {
            "internalType": "uint48",
            "name": "endedAt",
            "type": "uint48"
          }
        ],
        "internalType": "struct Receipt",
        "name": "receipt",
        "type": "tuple"
      },
      {
        "components": [
          {
            "components": [
              {
                "internalType": "uint256",
                "name": "index",
                "type": "uint256"
              },
              {
                "components": [
                  {
                    "internalType": "bytes32",
                    "name": "root",
                    "type": "bytes32"
                  },
                  {
                    "internalType": "uint64",
                    "name": "firstSequence",
                    "type": "uint64"
                  },
                  {
                    "internalType": "uint64",
                    "name": "lastSequence",
                    "type": "uint64"
                  }
                ],
                "internalType": "struct IAuditAnchor.Range",
                "name": "range",
                "type": "tuple"
              },
              {
                "internalType": "uint48",
                "name": "anchoredAt",
                "type": "uint48"
              }
            ],
            "internalType": "struct IAuditAnchor.AnchorRef",
            "name": "ref",
            "type": "tuple"
          },
          {
            "internalType": "uint64",
            "name": "sequence",
            "type": "uint64"
          },
          {
            "internalType": "bytes",
            "name": "eventHash",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "siblings",
            "type": "bytes32[]"
          }
        ],
        "internalType": "struct ReceiptProof",
        "name": "proof",
        "type": "tuple"
      }
    ],
    "name": "isStatedBy",
    "outputs": [
      {
        "internalType": "bool",
        "name": "stated",
        "type": "bool"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  }
] as const

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Roles
/// @author Shoal
/// @notice What a wallet does in the network, one bit each. No bit at all is an observer, who needs no stake.
library Roles {
    /// @notice Cuts work into tasks and finds providers for them.
    uint8 internal constant ORCHESTRATOR = 1;

    /// @notice Re-executes disputed work as a juror, and proposes emission.
    uint8 internal constant VALIDATOR = 2;

    /// @notice Sells computation.
    uint8 internal constant PROVIDER_COMPUTE = 4;

    /// @notice Sells storage.
    uint8 internal constant PROVIDER_STORAGE = 8;

    /// @notice Sells bandwidth.
    uint8 internal constant PROVIDER_BANDWIDTH = 16;

    /// @notice Any kind of provider: a mask. The provider's stake is asked for once, however many kinds it is.
    uint8 internal constant PROVIDER = PROVIDER_COMPUTE | PROVIDER_STORAGE | PROVIDER_BANDWIDTH;

    /// @notice Every role: a mask. Bits beyond it mean nothing and are refused.
    uint8 internal constant ALL = ORCHESTRATOR | VALIDATOR | PROVIDER;
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @notice The trees and proofs of OpenZeppelin's npm package merkle-tree with `sortLeaves: false`, from leaf hashes.
library Trees {
    /// @dev The root first, the leaves last and in reverse; children of i are 2i + 1 and 2i + 2.
    function make(bytes32[] memory leaves) internal pure returns (bytes32[] memory tree) {
        uint256 size = 2 * leaves.length - 1;
        tree = new bytes32[](size);
        for (uint256 i = 0; i < leaves.length; i++) tree[size - 1 - i] = leaves[i];
        for (uint256 i = leaves.length - 1; i > 0; i--) {
            tree[i - 1] = Hashes.commutativeKeccak256(tree[2 * i - 1], tree[2 * i]);
        }
    }

    function proof(bytes32[] memory tree, uint256 leaf) internal pure returns (bytes32[] memory siblings) {
        uint256 place = tree.length - 1 - leaf;
        uint256 depth = 0;
        for (uint256 i = place; i > 0; i = (i - 1) / 2) depth++;
        siblings = new bytes32[](depth);
        for (uint256 i = 0; i < depth; i++) {
            siblings[i] = tree[_sibling(place)];
            place = (place - 1) / 2;
        }
    }

    /// @dev Of the leaves `from` to `to`, both included.
    function multiProof(
        bytes32[] memory tree,
        uint256 from,
        uint256 to
    ) internal pure returns (bytes32[] memory siblings, bool[] memory flags) {
        uint256[] memory queue = new uint256[](2 * tree.length);
        uint256 head = 0;
        uint256 tail = 0;
        for (uint256 leaf = from; leaf <= to; leaf++) queue[tail++] = tree.length - 1 - leaf;
        siblings = new bytes32[](tree.length);
        flags = new bool[](tree.length);
        uint256 used = 0;
        uint256 steps = 0;
        while (queue[head] > 0) {
            uint256 place = queue[head++];
            uint256 sibling = _sibling(place);
            if (head < tail && queue[head] == sibling) {
                head++;
                flags[steps++] = true;
            } else {
                siblings[used++] = tree[sibling];
                flags[steps++] = false;
            }
            queue[tail++] = (place - 1) / 2;
        }
        assembly ("memory-safe") {
            mstore(siblings, used)
            mstore(flags, steps)
        }
    }

    function _sibling(uint256 place) private pure returns (uint256) {
        return place % 2 == 1 ? place + 1 : place - 1;
    }
}

"""Values that everything else is made of: amounts, fractions, addresses, hashes, signatures, Merkle trees."""

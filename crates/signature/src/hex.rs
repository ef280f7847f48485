//! Base 16 (RFC 4648, section 8).

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends the lower-case hex form of `bytes`.
pub(crate) fn push(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
    }
}

/// Exactly 64 hex digits, of either case.
pub(crate) fn decode_32(text: &[u8]) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != 32 || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// Pairs of hex digits, of either case.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prop_decoding_gives_back_what_was_encoded_in_either_case(bytes: [u8; 32]) {
            let mut text = String::new();
            push(&mut text, &bytes);
            prop_assert_eq!(decode_32(text.as_bytes()), Some(bytes));
            prop_assert_eq!(decode_32(text.to_uppercase().as_bytes()), Some(bytes));
            prop_assert_eq!(decode(text.as_bytes()), Some(bytes.to_vec()));
        }
    }

    #[test]
    fn other_lengths_and_characters_are_refused() {
        let good = "0f".repeat(32);
        assert_eq!(decode_32(good.as_bytes()), Some([0x0f; 32]));
        for bad in ["", "0f", &good[1..], &format!("{good}0"), &format!("{good}00"), &good.replace('f', "g")]
        {
            assert_eq!(decode_32(bad.as_bytes()), None, "{bad}");
        }
        for bad in ["0", "0g", "é0f"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }
}

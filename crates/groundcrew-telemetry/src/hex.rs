//! Lower-case hexadecimal digits, as the ids in headers and lines are written.

/// A byte of ones in every place.
const ONES: u64 = u64::from_le_bytes([1; 8]);

/// `value` as 16 digits.
pub(crate) fn encode_u64(value: u64) -> [u8; 16] {
    let mut text = [0; 16];
    let half = |shift: u32| eight_digits(value >> shift & 0xffff_ffff);
    text[..8].copy_from_slice(&half(32));
    text[8..].copy_from_slice(&half(0));
    text
}

/// `value` as 32 digits.
pub(crate) fn encode_u128(value: u128) -> [u8; 32] {
    let mut text = [0; 32];
    let half = |shift: u32| u64::try_from(value >> shift & u128::from(u64::MAX)).unwrap_or_default();
    text[..16].copy_from_slice(&encode_u64(half(64)));
    text[16..].copy_from_slice(&encode_u64(half(0)));
    text
}

/// The 32 bits of `value` as 8 digits, all at once: each nibble gets a byte, each byte its letter.
fn eight_digits(value: u64) -> [u8; 8] {
    let pairs = (value << 16 | value) & 0x0000_ffff_0000_ffff;
    let bytes = (pairs << 8 | pairs) & 0x00ff_00ff_00ff_00ff;
    let nibbles = (bytes << 4 | bytes) & (ONES * 0x0f);
    let above_nine = (nibbles + ONES * 6) >> 4 & ONES;
    (nibbles + ONES * u64::from(b'0') + above_nine * u64::from(b'a' - b'0' - 10)).to_be_bytes()
}

/// The value of `digits`: lower case only, at most 32 of them.
pub(crate) fn decode(digits: &[u8]) -> Option<u128> {
    let mut value = 0_u128;
    for digit in digits {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        value = value << 4 | u128::from(nibble);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_those_that_fmt_writes(value: u128) {
            let low = u64::try_from(value & u128::from(u64::MAX)).expect("masked");
            prop_assert_eq!(super::encode_u64(low).to_vec(), format!("{low:016x}").into_bytes());
            prop_assert_eq!(super::encode_u128(value).to_vec(), format!("{value:032x}").into_bytes());
            prop_assert_eq!(super::decode(&super::encode_u128(value)), Some(value));
        }
    }
}

/// Chooses the provider of the cryptography, if nobody has: the library panics where a build holds two.
pub(crate) fn ensure_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may have been quicker, which is as well.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}

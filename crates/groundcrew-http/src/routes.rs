use std::sync::{Arc, OnceLock};

use axum::Router;
use http::Method;

use crate::http_metrics::Route;
use crate::route::MarkRoute;

/// Places for routes that are known by their path; a power of two.
const PLACES: usize = 256;
/// How many places are looked at for one path before it counts as unknown.
const TRIES: usize = 4;

/// The service's routes: marked, to learn which one a request matches, and plain, for requests of which that
/// is known already.
///
/// The mark is a layer, which axum boxes for every request. A path without parameters has the same route for
/// ever, so it needs the mark only the first time.
#[derive(Debug)]
pub(crate) struct Routes {
    marked: Router,
    plain: Router,
    known: Box<[OnceLock<Known>]>,
}

#[derive(Debug)]
struct Known {
    method: Method,
    route: Arc<Route>,
}

// === impl Routes ===

impl Routes {
    pub(crate) fn new(routes: Router) -> Self {
        let marked = if routes.has_routes() { routes.clone().route_layer(MarkRoute) } else { routes.clone() };
        Self {
            // Without a state axum would build every layer of a route anew for each request.
            marked: marked.with_state(()),
            plain: routes.with_state(()),
            known: (0..PLACES).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The router for a request, and its route if that is known.
    pub(crate) fn find(&self, method: &Method, path: &str) -> (Router, Option<Arc<Route>>) {
        let mut places = self.places(path).map_while(OnceLock::get);
        match places.find(|known| known.is(method, path)) {
            Some(known) => (self.plain.clone(), Some(known.route.clone())),
            None => (self.marked.clone(), None),
        }
    }

    /// Remembers that requests like this one match `route`, if its path has no parameters: there are only so
    /// many such paths, whatever clients ask for.
    pub(crate) fn learn(&self, method: &Method, path: &str, route: &Arc<Route>) {
        if *route.path != *path {
            return;
        }
        let mut known = Known { method: method.clone(), route: route.clone() };
        for place in self.places(path) {
            match place.set(known) {
                Ok(()) => return,
                Err(_) if place.get().is_some_and(|other| other.is(method, path)) => return,
                Err(taken) => known = taken,
            }
        }
    }

    fn places(&self, path: &str) -> impl Iterator<Item = &OnceLock<Known>> {
        let first = hash(path.as_bytes());
        (0..TRIES).map(move |step| &self.known[(first + step) % PLACES])
    }
}

// === impl Known ===

impl Known {
    fn is(&self, method: &Method, path: &str) -> bool {
        *self.route.path == *path && self.method == *method
    }
}

/// Eight bytes at a time. Whoever finds paths that collide only makes them as slow as the first time.
fn hash(bytes: &[u8]) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(ODD).rotate_left(29);
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    usize::try_from(mix(hash, rest) % PLACES as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Routes;
    use crate::http_metrics::HttpMetrics;
    use axum::Router;
    use http::Method;

    fn routes() -> Routes {
        Routes::new(Router::new())
    }

    fn knows(routes: &Routes, method: &Method, path: &str) -> bool {
        routes.find(method, path).1.is_some_and(|route| *route.path == *path)
    }

    #[test]
    fn a_path_without_parameters_is_known_once_learnt_for_its_method_only() {
        let routes = routes();
        assert!(!knows(&routes, &Method::GET, "/hello"));
        routes.learn(&Method::GET, "/hello", &HttpMetrics::route("/hello"));
        assert!(knows(&routes, &Method::GET, "/hello"));
        assert!(!knows(&routes, &Method::POST, "/hello"));
        assert!(!knows(&routes, &Method::GET, "/hello/"));
    }

    #[test]
    fn a_path_that_stands_for_a_parameter_is_not_learnt() {
        let routes = routes();
        routes.learn(&Method::GET, "/users/me", &HttpMetrics::route("/users/{id}"));
        assert!(routes.find(&Method::GET, "/users/me").1.is_none());
    }

    #[test]
    fn more_paths_than_places_are_learnt_wrongly_by_none() {
        let routes = routes();
        let paths: Vec<String> = (0..1000).map(|number| format!("/path/{number}")).collect();
        for path in &paths {
            routes.learn(&Method::GET, path, &HttpMetrics::route(path));
        }
        let found = paths.iter().filter_map(|path| Some((path, routes.find(&Method::GET, path).1?)));
        let mut count = 0;
        for (path, route) in found {
            assert_eq!(*route.path, **path);
            count += 1;
        }
        assert!((100..=super::PLACES).contains(&count), "{count}");
    }
}

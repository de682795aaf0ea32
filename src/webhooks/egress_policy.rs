//! Where webhook calls may go: to public addresses, and to the networks that a target allows.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use http_acl::HttpAcl;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

/// Addresses outside the private ranges that are still internal: multicast, site-local, and Azure's platform address.
const INTERNAL: [&str; 4] = ["224.0.0.0/4", "ff00::/8", "fec0::/10", "168.63.129.16/32"];

/// The addresses that a target may have. It is also the resolver of the HTTP client and returns only permitted
/// addresses, so that the checked address is the one that is connected to.
#[derive(Clone)]
pub struct EgressPolicy(Arc<Rules>);

struct Rules {
    allowed: Vec<IpNet>,
    /// Whether public addresses are allowed as well.
    is_public: bool,
    public: HttpAcl,
}

impl EgressPolicy {
    pub fn new(allowed: Vec<IpNet>, is_public: bool) -> Self {
        let mut internal = INTERNAL.iter().filter_map(|network| network.parse::<IpNet>().ok());
        let builder = HttpAcl::builder().ip_acl_default(true);
        let builder = internal.try_fold(builder, |builder, network| builder.add_denied_ip_range(network));
        let Ok(builder) = builder else { unreachable!("the networks do not overlap") };
        Self(Arc::new(Rules { allowed, is_public, public: builder.build() }))
    }

    /// Whether a call may go to this address.
    pub fn permits(&self, address: IpAddr) -> bool {
        let Rules { allowed, is_public, public } = &*self.0;
        // An IPv4-mapped IPv6 address counts as IPv4.
        let address = address.to_canonical();
        allowed.iter().any(|network| network.contains(&address))
            || *is_public && public.is_ip_allowed(&address).is_allowed()
    }
}

impl fmt::Debug for EgressPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EgressPolicy")
    }
}

/// None of the target's addresses is allowed.
#[derive(Debug, thiserror::Error)]
#[error("{0} is in no network that the target allows; add its network to `allow_networks` to allow it")]
pub struct Refused(pub String);

/// The host name of the target cannot be resolved.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnknownHost(pub String);

impl Resolve for EgressPolicy {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.clone();
        Box::pin(async move {
            let found = lookup_host((name.as_str(), 0)).await;
            let found: Vec<SocketAddr> = found.map_err(|error| UnknownHost(error.to_string()))?.collect();
            let permitted: Vec<_> = found.iter().copied().filter(|address| policy.permits(address.ip())).collect();
            match (found.first(), permitted.is_empty()) {
                (None, _) => Err(UnknownHost("the name has no address".to_owned()).into()),
                (Some(first), true) => Err(Refused(format!("{} ({})", name.as_str(), first.ip())).into()),
                (Some(_), false) => Ok(Box::new(permitted.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_and_allowed_networks_are_called() {
        let policy = EgressPolicy::new(vec!["10.1.0.0/16".parse().expect("a network")], true);
        for address in ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "10.1.2.3", "::ffff:10.1.2.3"] {
            assert!(policy.permits(address.parse().expect("an address")), "{address}");
        }
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.2.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "224.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!policy.permits(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn plain_http_stays_in_allowed_networks() {
        let policy = EgressPolicy::new(vec!["127.0.0.0/8".parse().expect("a network")], false);
        assert!(policy.permits("127.0.0.1".parse().expect("an address")));
        assert!(!policy.permits("93.184.216.34".parse().expect("an address")));
    }

    #[tokio::test]
    async fn a_host_name_resolves_only_to_allowed_addresses() {
        let localhost = || "localhost".parse::<Name>().expect("a name");
        let Err(refused) = EgressPolicy::new(Vec::new(), true).resolve(localhost()).await else {
            panic!("it was resolved")
        };
        assert!(refused.to_string().contains("`allow_networks`"), "{refused}");
        let allowed = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().expect("a network"));
        assert!(EgressPolicy::new(allowed.to_vec(), false).resolve(localhost()).await.is_ok());
    }
}

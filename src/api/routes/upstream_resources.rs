//! The resources and agents of upstream's API that this server does not have (docs/upstream.md §1.4). A request for one
//! of them is answered with 501 and its name, not with 404, so that a client knows that its path is right.

/// The first segment after `/api/v1/`. Some paths of `License` and `List` are served.
const RESOURCES: [&str; 45] = [
    "Appointment",
    "Attachment",
    "BatchTask",
    "CRMScript",
    "ChatSession",
    "ChatTopic",
    "Contact",
    "Copilot",
    "CopilotDataSource",
    "Dash",
    "DashTheme",
    "DashTile",
    "DashTileDefinition",
    "Document",
    "ForeignApp",
    "Hierarchy",
    "License",
    "List",
    "Person",
    "Preference",
    "PreferenceDescription",
    "PreferenceDescriptionLine",
    "Presence",
    "Pricelist",
    "Product",
    "Project",
    "ProjectMember",
    "Relation",
    "RelationDefinition",
    "Sale",
    "SaleStakeholder",
    "Schema",
    "Script",
    "ShipmentMessage",
    "ShipmentMessageBlock",
    "String",
    "SystemEvent",
    "Table",
    "Ticket",
    "TicketMessage",
    "TicketRelation",
    "TicketRelationDefinition",
    "TicketType",
    "TriggerScript",
    "Webhook",
];

/// The agents: the segment after `/api/v1/Agents/`.
const AGENTS: [&str; 54] = [
    "AI",
    "Appointment",
    "Batch",
    "BLOB",
    "BulkUpdate",
    "Chat",
    "Configuration",
    "Contact",
    "CRMScript",
    "CustomerService",
    "CustomObject",
    "Dash",
    "Database",
    "DatabaseTable",
    "Diagnostics",
    "Document",
    "DocumentMigration",
    "EMail",
    "ErpSync",
    "Favourite",
    "Find",
    "ForeignSystem",
    "FreeText",
    "Import",
    "License",
    "List",
    "Marketing",
    "Messaging",
    "Navigator",
    "NewsFeed",
    "NumberAllocation",
    "Person",
    "PhoneList",
    "Pocket",
    "Preference",
    "Previews",
    "Project",
    "Quote",
    "Relation",
    "Replication",
    "Report",
    "Resource",
    "Saint",
    "Sale",
    "Selection",
    "Sentry",
    "Targets",
    "Ticket",
    "TimeZone",
    "Tooltips",
    "UserDefinedFieldInfo",
    "ViewState",
    "Webhook",
    "Workflow",
];

/// The resource or agent of a path that this server does not have, in upstream's spelling.
pub fn of_path(path: &str) -> Option<&'static str> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let is = |segment: Option<&str>, literal: &str| segment.is_some_and(|given| given.eq_ignore_ascii_case(literal));
    if !is(segments.next(), "api") || !is(segments.next(), "v1") {
        return None;
    }
    let first = segments.next()?;
    if first.eq_ignore_ascii_case("Agents") { agent(segments.next()?) } else { named(&RESOURCES, first) }
}

/// An agent that this server does not have, in upstream's spelling.
pub fn agent(name: &str) -> Option<&'static str> {
    named(&AGENTS, name)
}

fn named(known: &[&'static str], name: &str) -> Option<&'static str> {
    known.iter().copied().find(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_paths_have_a_name_in_any_case_and_others_have_none() {
        assert_eq!(of_path("/api/v1/contact/7"), Some("Contact"));
        assert_eq!(of_path("/API/v1/Agents/appointment/GetAppointment"), Some("Appointment"));
        assert_eq!(of_path("/api/v1/List/Category/Items"), Some("List"));
        assert_eq!((of_path("/api/v1/User/7/x"), of_path("/api/v2/Contact"), of_path("/Contact")), (None, None, None));
    }
}

//! A list of closes, page by page to its end.

use afterword_readmodel::ReportDatabase;
use afterword_readmodel::figures::{ConversationFilter, Filter, Outcome};

/// Conversations and times, sorted. The list has them the latest first.
pub async fn every_close(
    database: &ReportDatabase,
    filter: &Filter,
    outcome: Outcome,
    limit: usize,
) -> Vec<(String, i64)> {
    let wanted = ConversationFilter {
        filter: filter.clone(),
        outcome,
    };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = database
            .closes(&wanted, after.as_ref(), limit)
            .await
            .unwrap();
        assert!(page.entries.len() <= limit, "a page has its size");
        found.extend(page.entries);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(
        found.is_sorted_by(|a, b| (&a.day, a.decided_at) >= (&b.day, b.decided_at)),
        "the latest first"
    );
    let mut places: Vec<_> = found
        .into_iter()
        .map(|close| (close.conversation_id, close.decided_at))
        .collect();
    places.sort();
    places
}

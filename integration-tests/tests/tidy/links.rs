//! Links between documents: every anchor is a heading of its page, and every page is in the site's list.

use std::collections::{BTreeMap, BTreeSet};

use crate::Finding;

/// Anchors that the page they lead to has not; pages by their path from the root.
pub fn dead_anchors(pages: &BTreeMap<String, String>) -> Vec<Finding> {
    let known: BTreeMap<&str, BTreeSet<String>> = pages
        .iter()
        .map(|(path, text)| (path.as_str(), anchors(text)))
        .collect();
    let mut findings = Vec::new();
    for (path, text) in pages {
        for (line, target) in links(text) {
            let Some((file, anchor)) = target.split_once('#') else {
                continue;
            };
            let page = match file {
                "" => path.clone(),
                _ => joined(path, file),
            };
            let known = known.get(page.as_str());
            if known.is_some_and(|anchors| !anchors.contains(anchor)) {
                let what = format!("links to #{anchor} of {page}, which has no such heading");
                findings.push(Finding::at(path, line, what));
            }
        }
    }
    findings
}

/// Pages of a folder that its list of pages does not link to.
pub fn unlisted<'a>(
    list: &str,
    text: &str,
    pages: impl Iterator<Item = &'a String>,
) -> Vec<Finding> {
    let listed: BTreeSet<String> = links(text).map(|(_, file)| joined(list, file)).collect();
    let missing = pages.filter(|page| *page != list && !listed.contains(*page));
    missing
        .map(|page| Finding::at(list, 1, format!("does not list {page}")))
        .collect()
}

/// Targets of links with their lines, blocks of code left out.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(number, line)| {
        let openings = line.match_indices("](");
        openings.filter_map(move |(at, opening)| {
            let target = line[at + opening.len()..].split(')').next()?;
            Some((number, target))
        })
    })
}

/// The lines outside blocks of code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    let numbered = text.lines().enumerate();
    numbered.filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        (!in_code && !fence).then_some((index + 1, line))
    })
}

/// What its headings can be linked by, as code hosts and mdBook make it: letters, digits, `-` and `_`; a hyphen for a space.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let slug: String = title
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let repeated = (1..).map(|number| format!("{slug}-{number}"));
        let mut names = std::iter::once(slug.clone()).chain(repeated);
        let free = names.find(|name| !anchors.contains(name));
        anchors.extend(free);
    }
    anchors
}

/// The path from the root of what a file links to.
fn joined(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn dead_anchors_are_found() {
    let a = "# The `a` page, and more\n## Twice\n## Twice\n[b](x/b.md#b) [no](x/b.md#none) [me](#twice-1) [me](#twice-2)\n";
    let b = "# B\n```text\n# Not a heading\n[x](#y)\n```\n[a](../a.md#the-a-page-and-more) [elsewhere](https://example.com/#x)\n";
    let pages = [("a.md", a), ("x/b.md", b)].map(|(path, text)| (path.to_owned(), text.to_owned()));
    let found = dead_anchors(&pages.into_iter().collect());
    let found: Vec<_> = found.iter().map(|finding| finding.what.as_str()).collect();
    assert_eq!(
        found,
        [
            "links to #none of x/b.md, which has no such heading",
            "links to #twice-2 of a.md, which has no such heading"
        ]
    );
}

#[test]
fn pages_that_are_not_listed_are_found() {
    let pages = ["docs/SUMMARY.md", "docs/a.md", "docs/x/b.md"].map(str::to_owned);
    let found = unlisted("docs/SUMMARY.md", "- [A](a.md)\n", pages.iter());
    let found: Vec<_> = found.iter().map(|finding| finding.what.as_str()).collect();
    assert_eq!(found, ["does not list docs/x/b.md"]);
}

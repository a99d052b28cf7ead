//! Made-up records that are no facts.

use afterword_schemas::records::*;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{actor, actor_kind, id, text, time};

pub fn rating_requested() -> impl Strategy<Value = RatingRequested> {
    (
        (id(), id(), id(), id()),
        actor(),
        select(Channel::ALL),
        time(),
        any::<i64>(),
    )
        .prop_map(
            |(
                (request_id, workspace_id, conversation_id, teammate_id),
                customer,
                channel,
                requested_at,
                settings_version,
            )| {
                RatingRequested {
                    request_id,
                    workspace_id,
                    conversation_id,
                    customer,
                    teammate_id,
                    channel,
                    requested_at,
                    settings_version,
                }
            },
        )
}

pub fn rating_submitted() -> impl Strategy<Value = RatingSubmitted> {
    let reaction = || select(Reaction::ALL);
    let change = (
        any::<i32>(),
        option::of(reaction()),
        reaction(),
        option::of(text()),
        any::<bool>(),
        any::<bool>(),
    );
    (rating_requested(), time(), time(), change).prop_map(
        |(asked, first_rated_at, submitted_at, change)| {
            let (revision, previous_reaction, reaction, comment, locked, after_reopen) = change;
            RatingSubmitted {
                request_id: asked.request_id,
                workspace_id: asked.workspace_id,
                conversation_id: asked.conversation_id,
                customer: asked.customer,
                teammate_id: asked.teammate_id,
                channel: asked.channel,
                requested_at: asked.requested_at,
                first_rated_at,
                submitted_at,
                revision,
                previous_reaction,
                reaction,
                comment,
                locked,
                after_reopen,
            }
        },
    )
}

fn measured() -> impl Strategy<Value = Measured> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let kinds = (
        actor_kind(),
        option::of(actor_kind()),
        option::of(select(Origin::ALL)),
    );
    (
        flags,
        kinds,
        any::<i32>(),
        any::<i32>(),
        option::of(any::<i64>()),
    )
        .prop_map(
            |(
                (plan, live, teammate_replied, already_requested),
                kinds,
                customers,
                characters,
                since,
            )| {
                let (closed_by, audience, origin) = kinds;
                Measured {
                    closed_by,
                    plan,
                    live,
                    audience,
                    customers,
                    teammate_replied,
                    characters,
                    milliseconds_since_last_reply: since,
                    origin,
                    already_requested,
                }
            },
        )
}

pub fn eligibility_decided() -> impl Strategy<Value = EligibilityDecided> {
    let limits = (any::<i32>(), any::<i64>());
    let ids = (id(), id(), option::of(id()), option::of(id()));
    let versions = (any::<i32>(), any::<i64>());
    (
        ids,
        time(),
        any::<bool>(),
        vec(select(Criterion::ALL), 0..9),
        measured(),
        limits,
        versions,
    )
        .prop_map(
            |(
                ids,
                decided_at,
                requested,
                failed,
                measured,
                (characters, milliseconds),
                versions,
            )| {
                let (workspace_id, conversation_id, teammate_id, request_id) = ids;
                let (rules_version, settings_version) = versions;
                EligibilityDecided {
                    workspace_id,
                    conversation_id,
                    decided_at,
                    requested,
                    failed,
                    measured,
                    thresholds: Thresholds {
                        characters,
                        milliseconds,
                    },
                    rules_version,
                    settings_version,
                    teammate_id,
                    request_id,
                }
            },
        )
}

pub fn answer_refused() -> impl Strategy<Value = AnswerRefused> {
    (id(), id(), id(), id(), select(RefusalReason::ALL), time()).prop_map(
        |(request_id, workspace_id, conversation_id, event_id, reason, refused_at)| AnswerRefused {
            request_id,
            workspace_id,
            conversation_id,
            event_id,
            reason,
            refused_at,
        },
    )
}

fn target() -> impl Strategy<Value = Target> {
    (0.0..=1.0_f64, 0..=i32::MAX).prop_map(|(positive_share, minimum_ratings)| Target {
        positive_share,
        minimum_ratings,
    })
}

pub fn workspace_settings() -> impl Strategy<Value = WorkspaceSettings> {
    let zone = select(vec![
        "UTC",
        "Europe/Berlin",
        "America/Argentina/Buenos_Aires",
    ]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let targets = btree_map(id(), target(), 0..4);
    (
        id(),
        1..=i64::MAX,
        time(),
        flags,
        zone,
        option::of(target()),
        targets,
    )
        .prop_map(
            |(
                workspace_id,
                version,
                effective_from,
                flags,
                time_zone,
                target,
                teammate_targets,
            )| {
                let (live_for_users, live_for_leads, plan_includes_ratings) = flags;
                WorkspaceSettings {
                    workspace_id,
                    version,
                    effective_from,
                    live_for_users,
                    live_for_leads,
                    plan_includes_ratings,
                    time_zone: time_zone.to_owned(),
                    target,
                    teammate_targets,
                }
            },
        )
}

pub fn teammate_scorecard() -> impl Strategy<Value = TeammateScorecard> {
    (
        id(),
        id(),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}",
        proptest::array::uniform9(any::<i64>()),
    )
        .prop_map(|(workspace_id, teammate_id, day, numbers)| {
            let [
                requests,
                requests_answered,
                terrible,
                bad,
                ok,
                great,
                amazing,
                comments,
                revision,
            ] = numbers;
            TeammateScorecard {
                workspace_id,
                teammate_id,
                day,
                requests,
                requests_answered,
                terrible,
                bad,
                ok,
                great,
                amazing,
                comments,
                revision,
            }
        })
}

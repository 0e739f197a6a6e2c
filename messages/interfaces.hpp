#pragma once

// Every conversation in Chasqui, on one page.

#include "messages/catalogue.hpp"
#include "messages/event.hpp"
#include "messages/log.hpp"
#include "messages/reading.hpp"
#include "messages/status.hpp"
#include "messages/wire.hpp"

#include <caf/fwd.hpp>

namespace chasqui {

/// Decides whether a transaction is well formed and within limits.
using ingest_actor = handle<receipt(submission), // Check one transaction and keep it, or say what is wrong.
                            receipt(decision)>;  // The same with a decision about a dead letter.

/// Keeps transactions, in order, until the replica has them.
using buffer_actor = handle<receipt(append),             // Keep one transaction durably, or say why not.
                            group_outcome(append_group), // The same with several; answered once all are.
                            position(locate),            // Where a lane stands, and under which epoch.
                            alignment(align),            // How to go on from where the primary stands.
                            void(missing),               // These are lost, by name.
                            batch(take),                 // Up to `entries_max` entries from `from_seq` on.
                            void(committed),             // Everything up to `seq` is in the primary.
                            void(replicated),            // Everything up to `seq` is in the replica.
                            void(rejected),              // This entry is a dead letter, or parked behind one.
                            void(resolved),              // This has become of dead letters.
                            life(find),                  // One transaction's way so far.
                            reached(await),              // Answered once it holds, or when time is up.
                            dead_letters(list_dead),     // What the primary refused for good.
                            past_decisions(list_decisions), // What operators have decided about it.
                            looked_up(look_up),             // The entries that concern these rows.
                            log_report(get_report)>;        // Marks of every lane, and the store.

/// What entry `seq` waits for stands behind it, by way of other lanes: the primary shall decide without it.
struct give_up {
  std::string lane;
  seqno seq = 0;
};

/// Carries one lane to the primary, once and in order. It quits with a fault on any trouble of the link.
using forwarder_actor = handle<void(available), // There is more in the log.
                               void(give_up)>;  // What an entry waits for cannot come.

/// Follows the replica until it has what was committed.
using lsn_watcher_actor = handle<void(committed),             // Watch for the replay of this.
                                 replica_status(get_report)>; // What the replica last said.

/// Is told of the schema.
using schema_reader_actor = handle<void(schema_document)>; // It is this from now on.

/// Knows the schema that the primary had when the replica last heard of it, also in an outage and after a
/// restart.
using catalogue_actor = handle<void(schema_reader_actor),       // Tell it now, and whenever it changes.
                               schema_document(confirm_schema), // Look at the replica first.
                               catalogue_status(get_report)>;   // What is known.

/// Reads rows of the replica with everything that is still buffered laid over them.
using reader_actor = handle<found_rows(read_rows), // Rows of one table.
                            glanced(glance)>;      // Whether rows are there, many at once.

/// Gets events; answers with `acknowledge` to the notifier.
using subscriber_actor = handle<void(event_batch)>; // These happened.

/// Tells who wants to know, and never waits for them.
using notifier_actor = handle<void(event),                         // This happened.
                              void(subscriber_actor, subscribe),   // Send it events from some number on.
                              void(subscriber_actor, acknowledge), // It can take more.
                              past_events(list_events)>;           // What has happened.

/// The link to the primary works for this lane.
struct link_up {
  std::string lane;
};

/// The primary, or its WAL, was heard of.
struct sign_of_life {
  std::string detail;
};

/// Stops every actor, last started first, and then itself.
struct shut_down {
  std::chrono::milliseconds grace{10'000}; ///< What has not stopped by then is killed.
};

/// The link works for this lane, though nothing is committed: a large entry is on its way, or entry `waits`
/// waits for what another lane has yet to send.
struct link_moves {
  std::string lane;
  seqno waits = 0; ///< 0: none does.
  uuid wants;      ///< What it waits for,
  std::string of;  ///< the lane which that is in,
  seqno at = 0;    ///< and its number there.
};

/// Watches over every other actor.
using supervisor_actor = handle<void(link_up),                  // A forwarder has its session.
                                void(link_moves),               // And is not stuck.
                                void(sign_of_life),             // Do not wait any longer.
                                link_status(steer),             // Pause or resume, as an operator says.
                                supervision_report(get_report), // Link and actors.
                                void(shut_down)>;               // Stop all, in reverse order.

/// The door for everyone outside: one per kind of rights.
using gatekeeper_actor = handle<receipt(submission), status_report(get_report), life(find), reached(await),
                                dead_letters(list_dead), receipt(decision), past_decisions(list_decisions),
                                link_status(steer), found_rows(read_rows), void(subscriber_actor, subscribe),
                                void(subscriber_actor, acknowledge), past_events(list_events)>;

template <class I> auto inspect(I& f, link_up& x) { return f(x.lane); }
template <class I> auto inspect(I& f, link_moves& x) { return f(x.lane, x.waits, x.wants, x.of, x.at); }
template <class I> auto inspect(I& f, give_up& x) { return f(x.lane, x.seq); }
template <class I> auto inspect(I& f, sign_of_life& x) { return f(x.detail); }
template <class I> auto inspect(I& f, shut_down& x) { return f(x.grace); }

/// Makes the messages above, and faults in errors, known to an actor system. Call it before the system
/// starts.
void add_chasqui_types(caf::actor_system_config& config);

} // namespace chasqui

CAF_BEGIN_TYPE_ID_BLOCK(chasqui, first_custom_type_id)
CAF_ADD_TYPE_ID(chasqui, (chasqui::fault))
CAF_ADD_TYPE_ID(chasqui, (chasqui::submission))
CAF_ADD_TYPE_ID(chasqui, (chasqui::append))
CAF_ADD_TYPE_ID(chasqui, (chasqui::receipt))
CAF_ADD_TYPE_ID(chasqui, (chasqui::locate))
CAF_ADD_TYPE_ID(chasqui, (chasqui::position))
CAF_ADD_TYPE_ID(chasqui, (chasqui::align))
CAF_ADD_TYPE_ID(chasqui, (chasqui::alignment))
CAF_ADD_TYPE_ID(chasqui, (chasqui::missing))
CAF_ADD_TYPE_ID(chasqui, (chasqui::take))
CAF_ADD_TYPE_ID(chasqui, (chasqui::batch))
CAF_ADD_TYPE_ID(chasqui, (chasqui::available))
CAF_ADD_TYPE_ID(chasqui, (chasqui::committed))
CAF_ADD_TYPE_ID(chasqui, (chasqui::replicated))
CAF_ADD_TYPE_ID(chasqui, (chasqui::rejected))
CAF_ADD_TYPE_ID(chasqui, (chasqui::find))
CAF_ADD_TYPE_ID(chasqui, (chasqui::life))
CAF_ADD_TYPE_ID(chasqui, (chasqui::await))
CAF_ADD_TYPE_ID(chasqui, (chasqui::reached))
CAF_ADD_TYPE_ID(chasqui, (chasqui::list_dead))
CAF_ADD_TYPE_ID(chasqui, (chasqui::dead_letters))
CAF_ADD_TYPE_ID(chasqui, (chasqui::decision))
CAF_ADD_TYPE_ID(chasqui, (chasqui::resolved))
CAF_ADD_TYPE_ID(chasqui, (chasqui::list_decisions))
CAF_ADD_TYPE_ID(chasqui, (chasqui::past_decisions))
CAF_ADD_TYPE_ID(chasqui, (chasqui::look_up))
CAF_ADD_TYPE_ID(chasqui, (chasqui::looked_up))
CAF_ADD_TYPE_ID(chasqui, (chasqui::read_rows))
CAF_ADD_TYPE_ID(chasqui, (chasqui::found_rows))
CAF_ADD_TYPE_ID(chasqui, (chasqui::glance))
CAF_ADD_TYPE_ID(chasqui, (chasqui::glanced))
CAF_ADD_TYPE_ID(chasqui, (chasqui::get_report))
CAF_ADD_TYPE_ID(chasqui, (chasqui::log_report))
CAF_ADD_TYPE_ID(chasqui, (chasqui::replica_status))
CAF_ADD_TYPE_ID(chasqui, (chasqui::supervision_report))
CAF_ADD_TYPE_ID(chasqui, (chasqui::status_report))
CAF_ADD_TYPE_ID(chasqui, (chasqui::link_status))
CAF_ADD_TYPE_ID(chasqui, (chasqui::steer))
CAF_ADD_TYPE_ID(chasqui, (chasqui::catalogue_status))
CAF_ADD_TYPE_ID(chasqui, (chasqui::schema_document))
CAF_ADD_TYPE_ID(chasqui, (chasqui::confirm_schema))
CAF_ADD_TYPE_ID(chasqui, (chasqui::event))
CAF_ADD_TYPE_ID(chasqui, (chasqui::event_batch))
CAF_ADD_TYPE_ID(chasqui, (chasqui::subscribe))
CAF_ADD_TYPE_ID(chasqui, (chasqui::acknowledge))
CAF_ADD_TYPE_ID(chasqui, (chasqui::link_up))
CAF_ADD_TYPE_ID(chasqui, (chasqui::sign_of_life))
CAF_ADD_TYPE_ID(chasqui, (chasqui::shut_down))
CAF_ADD_TYPE_ID(chasqui, (chasqui::subscriber_actor))
CAF_ADD_TYPE_ID(chasqui, (chasqui::link_moves))
CAF_ADD_TYPE_ID(chasqui, (chasqui::give_up))
CAF_ADD_TYPE_ID(chasqui, (chasqui::list_events))
CAF_ADD_TYPE_ID(chasqui, (chasqui::past_events))
CAF_ADD_TYPE_ID(chasqui, (chasqui::schema_reader_actor))
CAF_ADD_TYPE_ID(chasqui, (chasqui::append_group))
CAF_ADD_TYPE_ID(chasqui, (chasqui::group_outcome))
CAF_END_TYPE_ID_BLOCK(chasqui)

"""What to do about a request that was refused: a sentence or two for each error.

They are for whoever runs the identity provider. Rules of this module:

1. A row of the table has the codes that one text is for. A test holds it against every code that SCIM, the
   Web API and the audit API can answer.
2. A text says first what is the matter, then what to do, and where: in the identity provider, in the program
   that asked, or here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_TABLE = """
# Tokens, and who they are of
invalid_authentication invalid_auth
    The token does not count: it has expired, was revoked, has not the scope, or came from an address
    that is not on its list. Look it up under Apps and tokens, and give the identity provider a new one.
missing_authentication not_authed
    The request had no token. Enter the token in the provisioning settings, as a bearer token.
token_revoked
    The token was revoked, or its owner deactivated. Create a new one and enter it there.
token_expired
    The token has expired. Create a new one under Apps and tokens and enter it there.
account_inactive user_disabled
    The account is deactivated. Reactivate it, or use a token of somebody who is active.
missing_scope
    The token lacks the scope that this method needs: the text says which. Create a token that has it
    under Apps and tokens, or install the app again with it.
not_allowed_token_type non_org_teams_only team_not_authorized
    The token is for one workspace. Use one for the whole organisation.
not_an_admin not_an_owner user_not_authorized permission_denied restricted_action access_denied no_perms
not_allowed
    The token's owner may not do this to this target. Use a token of an owner, or have an owner do it
    here.
plus_teams_only
    The organisation's plan has no SCIM: Business+ and Enterprise have. Switch provisioning off in the
    identity provider, or give it a token of an organisation with such a plan.
paid_teams_only plan_upgrade_required feature_not_enabled feature_not_available
not_an_enterprise team_not_on_enterprise must_be_enterprise
    The organisation's plan does not have this. Switch it off in the program that asked, or use an
    organisation whose plan has it.
team_access_not_granted team_not_found no_such_team target_team_not_on_org
external_team_not_connected_to_this_org
    There is no such workspace, or the token does not reach it. Compare the id with those under
    Workspaces.

# Too much, too fast, or not now
too_many_requests ratelimited rate_limited
    The program asks faster than the limits allow. It should wait as long as the answer says; most
    identity providers do, and retry. If it goes on for hours, slow the synchronisation down.
resource_locked
    Another request was just changing the same person or group. The identity provider retries by itself;
    if it happens often, let it send one change after the other.
service_unavailable request_timeout internal_error database_query_failure
    The server could not do it at that moment, and nothing was changed. Retry; if it comes again, give
    the request id to whoever runs the server.
more_refused
    More was refused at once than could be noted: the numbers count, the details are lost. What stands
    before and after shows what went wrong.
request_too_large
    The request is larger than 8 MB. Send fewer members, or a smaller photo, at once.
too_many_users too_many_members invalid_users
    Some of the members are unknown, or they are more than 15,000. Send the rest in another request.

# People: who they are
username_taken
    Somebody else, a channel or a reserved word has this username. Map another attribute to userName, or
    give the other one another name; if both are the same person, match them instead of creating one.
email_taken
    Somebody else here has this address: the text says who. If it is the same person, let the identity
    provider match them (by e-mail) instead of creating another; if not, change one of the addresses.
user_creation_failed
    The person could not be created because another was made at the same moment. Retry the assignment.
username_required username_empty
    No username was sent. Map an attribute that everybody has to userName.
username_too_long truncation_error
    The username is too long, or no free one like it is left: at most 21 characters. Map a shorter
    attribute to userName.
username_invalid username_not_allowed
    This cannot be a username: it is a reserved word or has no letter or digit. Map another attribute.
email_empty missing_primary_email emails_invalid
    No e-mail address was sent that could be the primary one. Map one, and see that the account has it.
bad_email_address email_invalid invalid_email
    This is not an e-mail address. Correct it in the account, or map another attribute.
missing_subteam_name name_too_long invalid_name_required invalid_name_maxlength invalid_name_specials
invalid_name_punctuation invalid_name
    The name is empty, too long or has characters that no name may have. Correct it where it comes from.
invalid_display_name
    Display names are for members to choose here. Take displayName out of the attribute mapping, or
    change that setting.
invalid_emoji_not_allowed invalid_starts_with_at invalid_reserved_word long_nickname
    The display name or nickname has an emoji or an @ at its start, is a reserved word or is too long.
    Correct it where it comes from.
password_change_not_allowed
    Passwords are not set by provisioning. Switch off password synchronisation in the identity provider.
unknown_user
    The manager is nobody here. Assign the manager to the app first; the next synchronisation sets it.
addresses_invalid phoneNumbers_invalid photos_invalid roles_invalid groups_invalid
invalid_attribute_format improper_enterprise_schema_format
    An attribute has a form that its schema does not allow: the text says which. Correct its mapping.
unable_to_create_team_profile_fields field_taken invalid_field_name
    The organisation has its 50 custom profile fields, or one of that name. Map fewer attributes.
no_such_user user_not_found users_not_found no_user
    There is nobody with this id here: it may be of another organisation. Unassign and assign the person
    again, so that the identity provider looks them up anew.
cannot_modify_gdpr
    This person was erased and cannot be changed any more. Unassign them; whoever comes back gets a new
    account.
cannot_disable_primary_owner cannot_modify_primary_owner primary_owner_check_failure
primary_owner_exists no_primary_owner
    This is the primary owner. Transfer primary ownership first, or take them out of the assignment.
cannot_modify_owner
    The token's owner is an admin, and admins may not change owners. Use an owner's token.
cannot_make_user_guest invalid_permissions failed_to_set_user_to_regular
cannot_set_org_admin_to_regular_at_workspace_level cannot_set_this_guest_to_regular_at_team_level
invalid_role_for_user
    The role of this person does not allow it: somebody who runs a workspace cannot be a guest. Change
    their role first.
cannot_disable_bot_user_with_scim user_is_bot
    This is a bot. Manage it where its app is managed.
user_is_deactivated user_already_deleted
    The person is deactivated. Reactivate them first, or leave them out.

# Guests and invitations
user_is_not_a_guest user_is_not_guest user_is_restricted
    This is for guests alone, or not for guests. Look at the person's role before asking again.
invalid_expiration failed_to_validate_expiration
    The time is in the past, too far ahead, or of somebody who is no guest. Correct it.
requires_one_channel single_channel_guest_needs_one_channel ura_max_channels no_channels
failed_to_validate_channels invalid_channels_limit
    A single-channel guest is in one channel, any other needs channels that exist. Correct the list.
already_in_team already_in_team_invited_user user_already_team_member already_in_channel
group_already_linked_to_channel already_submitted
    It is so already. Nothing needs to be done.
invalid_greeting failed_to_validate_custom_message failed_to_validate_caller invitor_cannot_see_channel
cant_invite cant_invite_self cant_kick_self
    The invitation cannot be made like that: its text, its channels or whom it is for. Change it.

# Groups
no_such_group no_such_subteam group_not_found usergroup_not_found
    There is no such group here: it was deleted, or is another organisation's. Push the group again.
group_creation_failed name_taken name_already_exists handle_already_exists name_taken_in_org
channel_exists
    Another group or channel has this name. Link the existing one in the identity provider, or rename
    one.
no_such_group_members group_members_create_failed
    Some members are nobody here: the text names them. Assign them to the app first, then push the group
    again.
unable_to_add_deleted_or_guest_to_group
    Deactivated people and guests cannot be in a group. Take them out of it, or reactivate them.
group_member_max_exceeded subteam_max_users_exceeded
    The group would be larger than a group may be. Split it.
group_must_not_be_empty no_users_provided
    A user group needs a member. Disable it instead.
idp_group_linked_to_channels failed_to_remove_users_for_linked_subteam
    The group is on the allowlist of a private channel. Take it off there first, under Channels.
too_many_linked_channels cannot_add_more_groups_to_channel
    The group leads to as many channels, or the channel lets in as many groups, as there may be. Remove
    one.
bad_handle forbidden_handle
    This cannot be a handle. Choose another one.
usergroup_not_linked_to_team usergroup_team_not_provisioned not_connected
channel_not_in_required_workspace no_team_ids_given invalid_team_ids team_id_or_org_required
team_not_given
    The group is not connected to the workspace that this needs. Connect it first, under Groups.

# Workspaces and channels
not_in_workspace org_user_not_in_team user_must_be_in_workspace
    The person is not in this workspace. Assign them to it, or put them into a group that leads there.
required_by_group failed_to_remove_user_from_workspace
    A group puts the person into this workspace. Take them out of the group, in the identity provider.
no_such_channel channel_not_found not_in_channel is_archived invalid_channel_provided link_not_found
    There is no such channel, it is archived, or the person is not in it. Compare with those under
    Channels.
channel_is_not_private default_channel_restricted method_not_supported_for_channel_type
restricted_by_allowlist user_cannot_manage_public_channels discoverability_setting_invalid
    This kind of channel does not allow it: allowlists are for private channels, and let their groups
    in.
domain_taken bad_url invalid_domain must_provide_team_domain must_provide_team_name description_too_long
    The workspace's name or domain is missing, taken or has characters that it may not have. Change it.

# How it was asked
invalid_request_payload invalid_json json_not_object invalid_form_data invalid_charset invalid_post_type
missing_post_type missing_schema_element
    The body is not what this endpoint takes. Compare the request with the documentation; an identity
    provider's own template for Slack sends it right.
invalid_arguments invalid_arg_name invalid_array_arg missing_argument limit_required invalid_limit
invalid_type invalid_types invalid_date invalid_action invalid_range metadata_not_available
metadata_only_does_not_support_date include_deactivated_user_workspaces_invalid invalid_sort
invalid_sort_dir invalid_search_channel_type missing_user_id missing_group_id cannot_decode_user_id
error
    An argument is missing or cannot be read: the text says which. Correct the call.
invalid_query incomplete_filter invalid_filter_group no_filters query_building_failed invalid_sort_order
    The filter or the page cannot be read, or asks for what cannot be searched by. Match people by
    userName or e-mail.
invalid_cursor
    The list has moved on. Begin again with its first page.
bad_endpoint unsupported_version unknown_method method_not_allowed
    There is no such address or method. Compare the base URL in the provisioning settings: it ends with
    /scim/v2 or /scim/v1.

# Apps and messages
invalid_client invalid_client_id bad_client_secret invalid_code code_already_used invalid_code_verifier
invalid_grant_type bad_redirect_uri invalid_scope invalid_request
    The app could not be installed: its client id, secret, code or scopes do not fit. Begin again.
no_text msg_too_long markdown_text_conflict invalid_blocks_format
    The message has no text, too much of it, or a form that is not understood. Correct the call.
"""


def _rows(table: str) -> Iterator[tuple[str, str]]:
    """Each code with its text: lines of codes, then indented lines.

    >>> list(_rows("# remark\\nno_name no_key\\n    Give it\\n    one.\\nother\\n    Wait.\\n"))
    [('no_name', 'Give it one.'), ('no_key', 'Give it one.'), ('other', 'Wait.')]
    """
    lines = "\n".join(line for line in table.splitlines() if line and not line.startswith("#"))
    for codes, text in re.findall(r"((?:^\S.*\n)+)((?:^ .*\n?)+)", lines, re.MULTILINE):
        yield from ((code, " ".join(text.split())) for code in codes.split())


ADVICE: Mapping[str, str] = dict(_rows(_TABLE))
"""Error code → what to do about it."""

OTHERWISE = "Look at the exact error and at the request id, and ask whoever runs the program or the server."


def advice(code: str) -> str:
    """What to do about an error.

    >>> advice("missing_authentication")
    'The request had no token. Enter the token in the provisioning settings, as a bearer token.'
    >>> advice("no_such_code") == OTHERWISE
    True
    """
    return ADVICE.get(code, OTHERWISE)

//! Personal data where people and programs put it, and what stands beside it that is nobody's.

use super::{KnownPeople, Scrubber};

fn assert_scrubbed(cases: &[(&str, &str)]) {
    let scrubber = Scrubber::new();
    for (text, expected) in cases {
        let found = scrubber.scrub(text, &KnownPeople::new());
        assert_eq!(found.text.as_str(), *expected, "{text}");
    }
}

#[test]
fn numbers_that_are_spelled_digit_by_digit_are_phones() {
    assert_scrubbed(&[
        ("call 6-1-2-3-4-5-6-7-8", "call [PHONE_1]"),
        ("mi cel es +34 6 0 0 1 2 3 4 5 6", "mi cel es [PHONE_1]"),
        ("my new number is 0-2-0-7-9-4-6-0-9-5-8", "my new number is [PHONE_1]"),
        ("su número: 600.123.456", "su número: [PHONE_1]"),
        (
            "avísenme por sms, o mejor al 611.222.333",
            "avísenme por sms, o mejor al [PHONE_1]",
        ),
        ("the total is 611.222.333 rows", "the total is 611.222.333 rows"),
        ("row 0 0 1 0 1 0 0 1 1 is wrong", "row 0 0 1 0 1 0 0 1 1 is wrong"),
    ]);
}

#[test]
fn ids_of_more_states_are_hidden_where_ids_are_spoken_of() {
    assert_scrubbed(&[
        (
            "my NI number (national insurance) is AB 12 34 56 C",
            "my NI number (national insurance) is [NATIONAL_ID_1]",
        ),
        ("RUC 10456789012 rechazado", "RUC [NATIONAL_ID_1] rechazado"),
        ("part AB123456C is out of stock", "part AB123456C is out of stock"),
    ]);
}

#[test]
fn a_slip_in_the_word_for_an_account_does_not_show_the_account() {
    assert_scrubbed(&[
        ("mi calbe 032180000118359719 da error", "mi calbe [IBAN_1] da error"),
        (
            "guía 032180000118359719 sin movimiento",
            "guía 032180000118359719 sin movimiento",
        ),
    ]);
}

#[test]
fn codes_and_passwords_are_hidden_behind_a_clause() {
    assert_scrubbed(&[
        (
            "my backup code 7XK2-99QD was refused",
            "my backup code [SECRET_1] was refused",
        ),
        (
            "el código de recuperación es 4821-9930",
            "el código de recuperación es [SECRET_1]",
        ),
        (
            "la clave que me enviaron ayer, qW8#zz1TbV, no sirve",
            "la clave que me enviaron ayer, [SECRET_1], no sirve",
        ),
        (
            "the password you sent me, version 4.2, was fine",
            "the password you sent me, version 4.2, was fine",
        ),
        ("the recovery code never arrives", "the recovery code never arrives"),
        (
            "backup of 2026-11-20 fails with code 500",
            "backup of 2026-11-20 fails with code 500",
        ),
    ]);
}

#[test]
fn whose_folder_it_is_is_hidden_and_folders_of_nobody_stay() {
    assert_scrubbed(&[
        ("at /home/pfuentes/app/main.py:3", "at /home/[USERNAME_1]/app/main.py:3"),
        (
            "C:\\Users\\qhansen\\Desktop is empty",
            "C:\\Users\\[USERNAME_1]\\Desktop is empty",
        ),
        ("/Users/qhansen/Library/Logs", "/Users/[USERNAME_1]/Library/Logs"),
        ("at /home/runner/work/app", "at /home/runner/work/app"),
        ("GET /users/settings/april", "GET /users/settings/april"),
        ("C:\\Users\\Public\\Documents", "C:\\Users\\Public\\Documents"),
        ("see /home/settings/billing", "see /home/settings/billing"),
    ]);
}

#[test]
fn handles_behind_a_service_and_logins_of_a_log_are_hidden() {
    assert_scrubbed(&[
        ("telegram: wolf_9913", "telegram: [USERNAME_1]"),
        (
            "failed login for brown-hope from 203.0.113.9",
            "failed login for [USERNAME_1] from [IP_1]",
        ),
        ("discord: the bot is silent", "discord: the bot is silent"),
    ]);
}

#[test]
fn streets_of_other_shapes_are_hidden_whole() {
    assert_scrubbed(&[
        ("send it to 12 Rue de Lille", "send it to [ADDRESS_1]"),
        ("my flat is 310 Calle Sol, Apt 5", "my flat is [ADDRESS_1]"),
        ("Ship to Kirkegata 7B, Oslo", "Ship to [ADDRESS_1], Oslo"),
        ("Unit 3, Harbour House, 40 Dock Street, Leeds", "[ADDRESS_1], Leeds"),
        ("calle Luna 8, 2.º izda.", "[ADDRESS_1]."),
        ("we have 12 Via licences", "we have 12 Via licences"),
        ("the strategy data gata 7", "the strategy data gata 7"),
    ]);
}

#[test]
fn people_behind_what_they_are_and_do_are_hidden() {
    assert_scrubbed(&[
        ("Her manager is Þorgerður", "Her manager is [NAME_1]"),
        (
            "The nurse who called, Happy Zondani, was kind",
            "The nurse who called, [NAME_1], was kind",
        ),
        ("Lourdes me ayudó con la factura", "[NAME_1] me ayudó con la factura"),
        ("Does Min-seo need a seat?", "Does [NAME_1] need a seat?"),
        (
            "Anterior: K. Urretxa, Actual: nadie",
            "Anterior: [NAME_1], Actual: nadie",
        ),
        ("I'm Dots Vo, please help", "I'm [NAME_1], please help"),
        ("Joy in billing said no", "[NAME_1] in billing said no"),
        ("the jack of my phone is loose", "the jack of my phone is loose"),
        ("my manager is on holiday", "my manager is on holiday"),
        ("Santander me cobró dos veces", "Santander me cobró dos veces"),
    ]);
}

//! Phrases that mark what a sentence does: decide, assign, propose, leave open, matter.

use std::collections::HashMap;

use super::Language;
use crate::hash::BuildQuick;

/// What a sentence does, as far as its words tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marks(u16);

impl Marks {
    /// It says that something was settled.
    pub(crate) const DECIDES: Self = Self(1);
    /// It gives somebody something to do.
    pub(crate) const ASSIGNS: Self = Self(1 << 1);
    /// It proposes something.
    pub(crate) const PROPOSES: Self = Self(1 << 2);
    /// The speaker says that it matters: a problem, a goal, a cause, a conclusion.
    pub(crate) const MATTERS: Self = Self(1 << 3);
    /// It says that something is still open.
    pub(crate) const LEAVES_OPEN: Self = Self(1 << 4);
    /// It is urgent.
    pub(crate) const URGENT: Self = Self(1 << 5);
    /// It can wait.
    pub(crate) const CAN_WAIT: Self = Self(1 << 6);
    /// It leans on what is around it, or on who speaks to whom (English).
    pub(crate) const LEANS: Self = Self(1 << 7);
    /// It makes a task of the English words for tasks, which are common.
    pub(crate) const BINDS: Self = Self(1 << 8);
    /// It only sounds like a task.
    pub(crate) const IDLE_TALK: Self = Self(1 << 9);
    /// It is a question that is a request.
    pub(crate) const REQUESTS: Self = Self(1 << 10);
    /// The speaker will do it.
    pub(crate) const MINE: Self = Self(1 << 11);

    /// These marks and those.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is set.
    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The kinds of [`phrases`], in their order.
const KINDS: [Marks; 7] = [
    Marks::DECIDES,
    Marks::ASSIGNS,
    Marks::PROPOSES,
    Marks::MATTERS,
    Marks::LEAVES_OPEN,
    Marks::URGENT,
    Marks::CAN_WAIT,
];

/// Phrases of all languages together: they do not get into each other's way.
const COMMON: [(Marks, &str); 5] = [
    (
        Marks::LEANS,
        "moving on|move on|come back to|the floor|as i said|as i mentioned|this one|that one|over here|over there|right here|\
like this|like that|the slide|next slide|this is|that is|that's|here is|here's|there you go|you see|i don't know|i dunno|\
i'm not sure|i can't remember|i forgot|i was just|thank you|welcome|sorry|good morning",
    ),
    (
        Marks::BINDS,
        "i'll|i will|i can take|i'm going to|can you|could you|would you please|will you|please|todo|action item|make sure|\
don't forget|remember to|follow up|take care of|responsible for|assigned|your task|we need to|you need to|we have to|\
we must|need to|let me|next step|you should|will",
    ),
    (
        Marks::IDLE_TALK,
        "i'll be back|i will be back|let me see|let me know|i'll say|i'll just|need to know|please note|yes please|please join|\
i'll go|you have to be|i will say|let me just|i'll stop|i'll start|i'll leave|i'll let|i'll turn|don't need to|\
don't have to|let me ask",
    ),
    (
        Marks::REQUESTS,
        "can you|could you|would you|will you|kannst du|könntest du|peux tu|pouvez vous|puedes|puoi|você pode|kun je",
    ),
    (
        Marks::MINE,
        "i'll|i will|i can take|i'm going to|i am going to|let me|i need to|i have to|ich werde|ich mache|ich kümmere|\
ich übernehme|ich schicke|ich prüfe|je vais|je m'en occupe|voy a|me encargo|ik zal|eu vou",
    ),
];

/// The cue phrases of a language, with the English ones beside them.
#[derive(Debug, Clone)]
pub(crate) struct Cues {
    /// By the first word: the words after it, and what the whole marks.
    phrases: HashMap<&'static str, Vec<(Vec<&'static str>, Marks)>, BuildQuick>,
}

impl Cues {
    pub(super) fn new(language: Language) -> Self {
        let mut cues = Self { phrases: HashMap::default() };
        let own = (language != Language::English).then(|| phrases(language));
        for source in own.into_iter().chain([phrases(Language::English)]) {
            KINDS.iter().zip(source).for_each(|(mark, list)| cues.add(*mark, list));
        }
        for (mark, list) in &COMMON {
            cues.add(*mark, list);
        }
        cues
    }

    fn add(&mut self, mark: Marks, list: &'static str) {
        for phrase in list.split('|') {
            let mut words = phrase.split_whitespace();
            if let Some(first) = words.next() {
                self.phrases.entry(first).or_default().push((words.collect(), mark));
            }
        }
    }

    /// What the lower-case words of a sentence (see [`padded`]) mark.
    pub(crate) fn marks(&self, words: &[&str]) -> Marks {
        let mut marks = Marks::default();
        for (at, word) in words.iter().enumerate() {
            for (rest, mark) in self.phrases.get(word).into_iter().flatten() {
                if words[at + 1..].starts_with(rest) {
                    marks.0 |= mark.0;
                }
            }
        }
        marks
    }
}

/// A sentence as the cues see it: lower-case words with single spaces between and around them.
pub(crate) fn padded(sentence: &str) -> String {
    let mut padded = String::with_capacity(sentence.len() + 2);
    padded.push(' ');
    for letter in sentence.chars() {
        if letter.is_alphanumeric() || matches!(letter, '\'' | '@') {
            padded.extend(letter.to_lowercase());
        } else if letter == '’' {
            padded.push('\'');
        } else if !padded.ends_with(' ') {
            padded.push(' ');
        }
    }
    if !padded.ends_with(' ') {
        padded.push(' ');
    }
    padded
}

/// The phrases of a language, in the order of [`KINDS`]; between bars.
fn phrases(language: Language) -> [&'static str; 7] {
    match language {
        Language::English => [
            " we decided | we've decided | have decided | has decided | it was decided | decision is | decision was | \
we agreed | we've agreed | have agreed | all agree | we agree | let's go with | let's stick with | go with | \
going with | we'll go with | settled on | settle on | settled | agreed to | agreed on | agreed that | \
final decision | decided to | decided on | decided that | approved | we'll use | we will use | we chose | \
we're going to use | we're going for | we are going to use | resolved to | signed off | it's a deal | \
motion is carried | adopted | the plan is | then it's decided | voted | rejected ",
            " i'll | i will | i can take | i'm going to | i am going to | we need to | we have to | we must | need to | \
you need to | needs to | has to | have to | can you | could you | would you | will you | please | todo | to do | \
action item | make sure | don't forget | remember to | follow up | take care of | responsible for | you should | \
assigned | let me | i'll take | we'll need | your task | by friday | by monday | by tomorrow | next step | \
supposed to | up to you | deadline ",
            " i suggest | i'd suggest | i propose | i recommend | i would recommend | we should | we could | \
why don't we | how about | what about | what if we | let's | i think we should | maybe we | perhaps we | \
suggestion | my proposal | i'd like | better to | ought to ",
            " problem | problems | issue | issues | important | importantly | main | key | goal | goals | aim | purpose | because | \
therefore | result | results | reason | conclusion | in summary | to summarise | to summarize | basically we | risk | \
concern | concerns | concerned | challenge | challenges | cost | costs | budget | need | needs | require | requires | required | requirement | \
requirements | support | decision | plan | plans | proposal | focus | responsible | failed | fails | broken | \
error | fixed | solution | solved | impact | priority | crucial | essential | significant | agreed | recommend ",
            " open question | still open | not sure if | not sure whether | don't know if | don't know whether | \
we need to find out | need to figure out | to be decided | tbd | unclear | remains to be seen | undecided | \
haven't decided | not decided | have to find out | still don't know | no idea | nobody knows | no one knows | keine ahnung | aucune idée | ni idea | não sei | geen idee ",
            " urgent | urgently | asap | immediately | right now | right away | critical | blocker | blocking | \
as soon as possible | top priority | high priority | highest priority | now please | before we can | must | \
outage | p0 | p1 | deadline ",
            " when you get a chance | when you have time | at some point | eventually | some day | someday | low priority | \
nice to have | no rush | no hurry | if you have time | maybe later | whenever | would be nice ",
        ],
        Language::German => [
            " beschlossen | entschieden | einigen wir uns | geeinigt | vereinbart | wir nehmen | abgemacht | machen wir so | \
beschluss | entscheidung | steht fest | festgelegt ",
            " ich werde | ich mache | ich kümmere | ich übernehme | kannst du | könntest du | könnten sie | bitte | müssen wir | \
wir müssen | muss noch | aufgabe | kümmert sich | übernimmt | ich schicke | ich prüfe | bis freitag | bis montag | bis morgen ",
            " ich schlage vor | vorschlag | wir sollten | wir könnten | lasst uns | lass uns | wie wäre es | was haltet ihr ",
            " problem | probleme | wichtig | fehler | ziel | grund | weil | deshalb | ergebnis | lösung | risiko | kosten | kaputt ",
            " offen | unklar | weiß nicht ob | noch nicht klar | nicht entschieden | müssen wir klären ",
            " dringend | sofort | kritisch | so schnell wie möglich | blockiert | höchste priorität ",
            " irgendwann | keine eile | bei gelegenheit | wenn du zeit hast | nicht dringend | später mal ",
        ],
        Language::French => [
            " décidé | on a décidé | on part sur | convenu | c'est décidé | décision | on garde | on prend | validé | adopté ",
            " je vais | je m'en occupe | je m'occupe | peux tu | peux-tu | pouvez vous | pourrais tu | il faut | on doit | tu dois | \
merci de | s'il te plaît | s'il vous plaît | à faire | je prépare | j'envoie ",
            " je propose | proposition | on devrait | on pourrait | et si on | je suggère | il vaudrait mieux ",
            " problème | problèmes | important | objectif | raison | parce que | donc | résultat | solution | risque | coût | erreur ",
            " pas sûr | à voir | on ne sait pas | reste à | pas encore décidé | pas clair ",
            " urgent | tout de suite | immédiatement | critique | bloquant | au plus vite | dès que possible ",
            " un jour | pas pressé | quand tu peux | pas urgent | plus tard | si tu as le temps ",
        ],
        Language::Spanish => [
            " decidido | decidimos | hemos decidido | acordamos | acordado | quedamos en | se decidió | decisión | aprobado | \
vamos con | nos quedamos con ",
            " voy a | yo me encargo | me encargo | puedes | podrías | podéis | por favor | hay que | tenemos que | tienes que | \
debemos | encárgate | tarea | te toca ",
            " propongo | propuesta | deberíamos | podríamos | sugiero | qué tal si | y si | mejor si ",
            " problema | problemas | importante | objetivo | razón | porque | por eso | resultado | solución | riesgo | coste | costo | error ",
            " no está claro | no sé si | no sabemos | por decidir | falta saber | pendiente de decidir ",
            " urgente | ya mismo | inmediatamente | crítico | cuanto antes | lo antes posible | bloqueado ",
            " sin prisa | cuando puedas | algún día | no es urgente | más adelante | si tienes tiempo ",
        ],
        Language::Italian => [
            " deciso | abbiamo deciso | concordato | siamo d'accordo | decisione | approvato | scegliamo | andiamo con ",
            " ci penso io | mi occupo | puoi | potresti | per favore | dobbiamo | bisogna | devi | da fare | lo faccio io ",
            " propongo | proposta | dovremmo | potremmo | suggerisco | che ne dite | e se ",
            " problema | problemi | importante | obiettivo | motivo | perché | quindi | risultato | soluzione | rischio | costo | errore ",
            " non è chiaro | non so se | non sappiamo | da decidere | resta da ",
            " urgente | subito | immediatamente | critico | il prima possibile | bloccante ",
            " con calma | quando puoi | non è urgente | più avanti | se hai tempo ",
        ],
        Language::Portuguese => [
            " decidimos | decidido | combinado | ficou decidido | acordado | decisão | aprovado | vamos com | fechado ",
            " eu vou | vou fazer | deixa comigo | você pode | pode | poderia | por favor | precisamos | temos que | tem que | tarefa ",
            " proponho | proposta | deveríamos | poderíamos | sugiro | que tal | e se ",
            " problema | problemas | importante | objetivo | razão | porque | por isso | resultado | solução | risco | custo | erro ",
            " não está claro | não sei se | não sabemos | a decidir | falta saber ",
            " urgente | imediatamente | crítico | o quanto antes | bloqueado | agora mesmo ",
            " sem pressa | quando puder | um dia | não é urgente | mais tarde | se tiver tempo ",
        ],
        Language::Dutch => [
            " besloten | afgesproken | we kiezen | besluit | beslissing | akkoord | we gaan voor | goedgekeurd ",
            " ik zal | ik ga | ik regel | ik doe | kun je | kan je | zou je | graag | we moeten | je moet | moet nog | taak ",
            " ik stel voor | voorstel | we zouden | laten we | misschien kunnen we | zullen we ",
            " probleem | problemen | belangrijk | doel | reden | omdat | daarom | resultaat | oplossing | risico | kosten | fout ",
            " onduidelijk | weet niet of | nog niet besloten | moeten we uitzoeken | staat open ",
            " dringend | meteen | onmiddellijk | kritiek | zo snel mogelijk | blokkeert ",
            " geen haast | ooit | als je tijd hebt | niet dringend | later eens ",
        ],
        Language::Other => [""; 7],
    }
}
